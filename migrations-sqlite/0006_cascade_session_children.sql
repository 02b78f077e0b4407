-- whimbrel: foreign-keys off

-- Tasks, messages and tool connections go with their session. Until now a session that had any could
-- not be deleted.
-- SQLite cannot change a constraint in place, so each of the three tables is rebuilt under another name and renamed.
-- Foreign keys are off meanwhile, or dropping the old table would reach into the rows that refer to it.

CREATE TABLE tasks_new (
    id text NOT NULL PRIMARY KEY DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', (random() & 3) + 1, 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    session_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created_by text REFERENCES users (id) ON DELETE SET NULL,
    ordinal integer NOT NULL,
    status text NOT NULL DEFAULT 'created',
    description text,
    prompt text NOT NULL,
    first_message_ordinal integer,
    last_message_ordinal integer,
    git_sha_start text CHECK (length(git_sha_start) <= 64),
    git_sha_end text CHECK (length(git_sha_end) <= 64),
    token_usage text CHECK (token_usage IS NULL OR json_valid(token_usage)),
    cost_usd numeric(12, 6),
    error text,
    started_at text,
    completed_at text,
    duration_ms integer,
    created_at text NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    CONSTRAINT tasks_session_id_ordinal_key UNIQUE (session_id, ordinal),
    CONSTRAINT tasks_status_check CHECK (status IN ('created', 'running', 'completed', 'failed', 'stopped')),
    CONSTRAINT tasks_messages_check CHECK (last_message_ordinal >= first_message_ordinal),
    CONSTRAINT tasks_duration_check CHECK (duration_ms >= 0)
);

INSERT INTO tasks_new (
    id, session_id, created_by, ordinal, status, description, prompt, first_message_ordinal,
    last_message_ordinal, git_sha_start, git_sha_end, token_usage, cost_usd, error, started_at,
    completed_at, duration_ms, created_at
)
SELECT
    id, session_id, created_by, ordinal, status, description, prompt, first_message_ordinal,
    last_message_ordinal, git_sha_start, git_sha_end, token_usage, cost_usd, error, started_at,
    completed_at, duration_ms, created_at
FROM tasks;

DROP TABLE tasks;
ALTER TABLE tasks_new RENAME TO tasks;

CREATE INDEX tasks_status_created_at_idx ON tasks (status, created_at DESC);
CREATE INDEX tasks_created_by_idx ON tasks (created_by);

CREATE TABLE messages_new (
    id integer PRIMARY KEY AUTOINCREMENT,
    session_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
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

CREATE TABLE session_mcp_servers_new (
    session_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    mcp_server_id text NOT NULL REFERENCES mcp_servers (id) ON DELETE CASCADE,
    enabled integer NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    added_at text NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    PRIMARY KEY (session_id, mcp_server_id)
);

INSERT INTO session_mcp_servers_new (
    session_id, mcp_server_id, enabled, added_at
)
SELECT
    session_id, mcp_server_id, enabled, added_at
FROM session_mcp_servers;

DROP TABLE session_mcp_servers;
ALTER TABLE session_mcp_servers_new RENAME TO session_mcp_servers;

CREATE INDEX session_mcp_servers_mcp_server_id_idx ON session_mcp_servers (mcp_server_id) WHERE enabled;
