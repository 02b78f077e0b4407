-- whimbrel: foreign-keys off

-- A session that waits for a person to allow something is not running: a status of its own.
-- SQLite cannot change a constraint in place, so the table is rebuilt under another name and renamed.
-- Foreign keys are off meanwhile, or dropping the old table would reach into the rows that refer to it.

CREATE TABLE sessions_new (
    id text NOT NULL PRIMARY KEY DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', (random() & 3) + 1, 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    worktree_id text NOT NULL REFERENCES worktrees (id) ON DELETE CASCADE,
    created_by text REFERENCES users (id) ON DELETE SET NULL,
    parent_session_id text REFERENCES sessions (id) ON DELETE SET NULL,
    forked_from_session_id text REFERENCES sessions (id) ON DELETE SET NULL,
    fork_ordinal integer,
    agentic_tool text NOT NULL DEFAULT 'claude-code',
    tool_version text,
    external_id text,
    status text NOT NULL DEFAULT 'idle',
    title text,
    description text,
    model_config text CHECK (model_config IS NULL OR json_valid(model_config)),
    permission_config text NOT NULL DEFAULT '{"mode": "ask"}' CHECK (json_valid(permission_config)),
    git_state text CHECK (git_state IS NULL OR json_valid(git_state)),
    message_count integer NOT NULL DEFAULT 0,
    cost_usd numeric(12, 6) NOT NULL DEFAULT 0,
    archived integer NOT NULL DEFAULT 0 CHECK (archived IN (0, 1)),
    last_activity_at text,
    created_at text NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at text NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    CONSTRAINT sessions_tool_check CHECK (agentic_tool IN ('claude-code', 'codex', 'gemini', 'opencode')),
    CONSTRAINT sessions_status_check CHECK (status IN ('idle', 'running', 'awaiting_permission', 'stopping', 'completed', 'failed')),
    CONSTRAINT sessions_parent_check CHECK (parent_session_id <> id),
    CONSTRAINT sessions_fork_ordinal_check CHECK (fork_ordinal >= 0),
    CONSTRAINT sessions_message_count_check CHECK (message_count >= 0)
);

INSERT INTO sessions_new (
    id, worktree_id, created_by, parent_session_id, forked_from_session_id, fork_ordinal,
    agentic_tool, tool_version, external_id, status, title, description, model_config,
    permission_config, git_state, message_count, cost_usd, archived, last_activity_at,
    created_at, updated_at
)
SELECT
    id, worktree_id, created_by, parent_session_id, forked_from_session_id, fork_ordinal,
    agentic_tool, tool_version, external_id, status, title, description, model_config,
    permission_config, git_state, message_count, cost_usd, archived, last_activity_at,
    created_at, updated_at
FROM sessions;

DROP TABLE sessions;
ALTER TABLE sessions_new RENAME TO sessions;

CREATE INDEX sessions_worktree_id_status_idx ON sessions (worktree_id, status);
CREATE INDEX sessions_agentic_tool_idx ON sessions (agentic_tool);
CREATE INDEX sessions_parent_session_id_idx ON sessions (parent_session_id) WHERE parent_session_id IS NOT NULL;
CREATE INDEX sessions_forked_from_session_id_idx ON sessions (forked_from_session_id) WHERE forked_from_session_id IS NOT NULL;
CREATE INDEX sessions_created_by_idx ON sessions (created_by);
CREATE INDEX sessions_recent_idx ON sessions (last_activity_at DESC) WHERE NOT archived;
CREATE UNIQUE INDEX sessions_agentic_tool_external_id_idx ON sessions (agentic_tool, external_id) WHERE external_id IS NOT NULL;
