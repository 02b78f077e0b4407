-- whimbrel: foreign-keys off

-- Messages can ask for a permission: a type more in the checked set.
-- SQLite cannot change a constraint in place, so the table is rebuilt under another name and renamed.
-- Foreign keys are off meanwhile, or dropping the old table would reach into the rows that refer to it.

CREATE TABLE messages_new (
    id integer PRIMARY KEY AUTOINCREMENT,
    session_id text NOT NULL REFERENCES sessions (id),
    task_id text REFERENCES tasks (id) ON DELETE SET NULL,
    ordinal integer NOT NULL,
    type text NOT NULL,
    role text NOT NULL,
    content text NOT NULL CHECK (json_valid(content)),
    preview text CHECK (length(preview) <= 200),
    tool_uses text CHECK (tool_uses IS NULL OR json_valid(tool_uses)),
    parent_tool_use_id text,
    queued integer NOT NULL DEFAULT 0 CHECK (queued IN (0, 1)),
    created_at text NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    CONSTRAINT messages_session_id_ordinal_key UNIQUE (session_id, ordinal),
    CONSTRAINT messages_type_check CHECK (type IN ('user', 'assistant', 'system', 'tool_result', 'file_snapshot', 'permission_request')),
    CONSTRAINT messages_role_check CHECK (role IN ('user', 'assistant', 'system')),
    CONSTRAINT messages_ordinal_check CHECK (ordinal >= 0)
);

INSERT INTO messages_new (
    id, session_id, task_id, ordinal, type, role, content, preview, tool_uses,
    parent_tool_use_id, queued, created_at
)
SELECT
    id, session_id, task_id, ordinal, type, role, content, preview, tool_uses,
    parent_tool_use_id, queued, created_at
FROM messages;

-- The highest id ever given moves along, so that no id of a deleted row is given again.
DELETE FROM sqlite_sequence WHERE name = 'messages_new';
INSERT INTO sqlite_sequence (name, seq)
SELECT 'messages_new', seq FROM sqlite_sequence WHERE name = 'messages';

DROP TABLE messages;
ALTER TABLE messages_new RENAME TO messages;

CREATE INDEX messages_task_id_idx ON messages (task_id);
CREATE INDEX messages_queued_idx ON messages (session_id, created_at) WHERE queued;
CREATE INDEX messages_parent_tool_use_id_idx ON messages (parent_tool_use_id) WHERE parent_tool_use_id IS NOT NULL;
