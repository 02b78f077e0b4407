-- The state of the application before its schema changes were kept as migrations.

-- People who sign in. Rows that name a user keep living when the user is removed.
CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email varchar(320) NOT NULL,
    name text,
    emoji text,
    role text NOT NULL DEFAULT 'member',
    -- Null for accounts that sign in through an identity provider.
    password_hash text,
    avatar_url text,
    preferences jsonb NOT NULL DEFAULT '{}',
    disabled boolean NOT NULL DEFAULT false,
    last_login_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_role_check CHECK (role IN ('owner', 'admin', 'member', 'viewer'))
);

-- One account per address, however it is spelled. (SQLite's lower() folds ASCII letters only.)
CREATE UNIQUE INDEX users_email_lower_idx ON users (lower(email));

-- Git repositories that the tool knows: cloned by it (remote_url) or found on the disk (local_path).
CREATE TABLE repos (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    slug text NOT NULL,
    name text NOT NULL,
    remote_url text,
    local_path text,
    default_branch text NOT NULL DEFAULT 'main',
    size_bytes bigint,
    -- How to start, stop and probe the project's development environment.
    environment jsonb,
    archived boolean NOT NULL DEFAULT false,
    created_by uuid REFERENCES users (id) ON DELETE SET NULL,
    last_fetched_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT repos_slug_key UNIQUE (slug),
    CONSTRAINT repos_source_check CHECK (remote_url IS NOT NULL OR local_path IS NOT NULL),
    CONSTRAINT repos_size_check CHECK (size_bytes >= 0)
);

CREATE INDEX repos_created_by_idx ON repos (created_by);

-- Canvases on which worktrees, notes and zones are laid out. The default board is made by the seed,
-- before any user exists, so created_by is null there.
CREATE TABLE boards (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL,
    -- For readable links; a board without one is reached by its id.
    slug text,
    description text,
    icon text,
    color varchar(7),
    is_default boolean NOT NULL DEFAULT false,
    sort_key double precision NOT NULL DEFAULT 0,
    layout jsonb NOT NULL DEFAULT '{}',
    archived boolean NOT NULL DEFAULT false,
    created_by uuid REFERENCES users (id) ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT boards_slug_key UNIQUE (slug),
    CONSTRAINT boards_name_check CHECK (name <> '')
);

-- At most one board is the default one; none is, after a user deleted it.
CREATE UNIQUE INDEX boards_is_default_idx ON boards (is_default) WHERE is_default;
CREATE INDEX boards_created_by_idx ON boards (created_by);

-- Git worktrees: the directories in which sessions work.
CREATE TABLE worktrees (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    repo_id uuid NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    board_id uuid REFERENCES boards (id) ON DELETE SET NULL,
    name text NOT NULL,
    path text NOT NULL,
    ref text NOT NULL,
    base_ref text,
    base_sha varchar(64),
    new_branch boolean NOT NULL DEFAULT true,
    status text NOT NULL DEFAULT 'creating',
    issue_url text,
    pull_request_url text,
    notes text,
    environment jsonb,
    disk_bytes bigint NOT NULL DEFAULT 0,
    created_by uuid REFERENCES users (id) ON DELETE SET NULL,
    last_used_at timestamptz,
    archived_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT worktrees_repo_id_name_key UNIQUE (repo_id, name),
    CONSTRAINT worktrees_path_key UNIQUE (path),
    CONSTRAINT worktrees_status_check CHECK (status IN ('creating', 'ready', 'failed', 'archived')),
    CONSTRAINT worktrees_archived_check CHECK ((status = 'archived') = (archived_at IS NOT NULL))
);

CREATE INDEX worktrees_board_id_idx ON worktrees (board_id) WHERE board_id IS NOT NULL;
CREATE INDEX worktrees_repo_id_status_idx ON worktrees (repo_id, status);
CREATE INDEX worktrees_created_by_idx ON worktrees (created_by);

-- What lies on a board, and where. A zone is an object that other objects can lie in.
CREATE TABLE board_objects (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    board_id uuid NOT NULL REFERENCES boards (id) ON DELETE CASCADE,
    kind text NOT NULL,
    worktree_id uuid REFERENCES worktrees (id) ON DELETE CASCADE,
    zone_id uuid REFERENCES board_objects (id) ON DELETE SET NULL,
    x double precision NOT NULL DEFAULT 0,
    y double precision NOT NULL DEFAULT 0,
    width double precision,
    height double precision,
    z_index smallint NOT NULL DEFAULT 0,
    locked boolean NOT NULL DEFAULT false,
    data jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT board_objects_board_id_worktree_id_key UNIQUE (board_id, worktree_id),
    CONSTRAINT board_objects_kind_check CHECK (kind IN ('worktree', 'text', 'markdown', 'zone')),
    CONSTRAINT board_objects_worktree_check CHECK ((kind = 'worktree') = (worktree_id IS NOT NULL)),
    CONSTRAINT board_objects_size_check CHECK (width > 0 AND height > 0)
);

CREATE INDEX board_objects_worktree_id_idx ON board_objects (worktree_id);
CREATE INDEX board_objects_zone_id_idx ON board_objects (zone_id) WHERE zone_id IS NOT NULL;

-- Conversations with one agent in one worktree. A session outlives the sessions that started it or
-- that it was forked from.
CREATE TABLE sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    worktree_id uuid NOT NULL REFERENCES worktrees (id) ON DELETE CASCADE,
    created_by uuid REFERENCES users (id) ON DELETE SET NULL,
    parent_session_id uuid REFERENCES sessions (id) ON DELETE SET NULL,
    forked_from_session_id uuid REFERENCES sessions (id) ON DELETE SET NULL,
    -- The ordinal of the last message that the fork shares with its origin, kept when the origin is deleted.
    fork_ordinal integer,
    agent text NOT NULL DEFAULT 'claude-code',
    tool_version text,
    -- The name that the agent itself gives to the conversation, for resuming it.
    external_id text,
    status text NOT NULL DEFAULT 'idle',
    title text,
    description text,
    model_config jsonb,
    permission_config jsonb NOT NULL DEFAULT '{"mode": "ask"}',
    git_state jsonb,
    message_count integer NOT NULL DEFAULT 0,
    cost_usd numeric(12, 6) NOT NULL DEFAULT 0,
    archived boolean NOT NULL DEFAULT false,
    last_activity_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sessions_tool_check CHECK (agent IN ('claude-code', 'codex', 'gemini', 'opencode')),
    CONSTRAINT sessions_status_check CHECK (status IN ('idle', 'running', 'stopping', 'completed', 'failed')),
    CONSTRAINT sessions_parent_check CHECK (parent_session_id <> id),
    CONSTRAINT sessions_fork_ordinal_check CHECK (fork_ordinal >= 0),
    CONSTRAINT sessions_message_count_check CHECK (message_count >= 0)
);

CREATE INDEX sessions_worktree_id_status_idx ON sessions (worktree_id, status);
CREATE INDEX sessions_agent_idx ON sessions (agent);
CREATE INDEX sessions_parent_session_id_idx ON sessions (parent_session_id) WHERE parent_session_id IS NOT NULL;
CREATE INDEX sessions_forked_from_session_id_idx ON sessions (forked_from_session_id) WHERE forked_from_session_id IS NOT NULL;
CREATE INDEX sessions_created_by_idx ON sessions (created_by);
-- The list that every visitor sees first: what is not archived, latest first.
CREATE INDEX sessions_recent_idx ON sessions (last_activity_at DESC) WHERE NOT archived;
CREATE UNIQUE INDEX sessions_agent_external_id_idx ON sessions (agent, external_id) WHERE external_id IS NOT NULL;

-- One prompt and the work that it set off.
CREATE TABLE tasks (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id uuid NOT NULL REFERENCES sessions (id),
    created_by uuid REFERENCES users (id) ON DELETE SET NULL,
    ordinal integer NOT NULL,
    status text NOT NULL DEFAULT 'created',
    description text,
    prompt text NOT NULL,
    first_message_ordinal integer,
    last_message_ordinal integer,
    git_sha_start varchar(64),
    git_sha_end varchar(64),
    token_usage jsonb,
    cost_usd numeric(12, 6),
    error text,
    started_at timestamptz,
    completed_at timestamptz,
    duration_ms bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tasks_session_id_ordinal_key UNIQUE (session_id, ordinal),
    CONSTRAINT tasks_status_check CHECK (status IN ('created', 'running', 'completed', 'failed', 'stopped')),
    CONSTRAINT tasks_messages_check CHECK (last_message_ordinal >= first_message_ordinal),
    CONSTRAINT tasks_duration_check CHECK (duration_ms >= 0)
);

CREATE INDEX tasks_status_created_at_idx ON tasks (status, created_at DESC);
CREATE INDEX tasks_created_by_idx ON tasks (created_by);

-- What was said, in order. Ids only ever grow: clients ask for everything after the last one they saw.
CREATE TABLE messages (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions (id),
    task_id uuid REFERENCES tasks (id) ON DELETE SET NULL,
    ordinal integer NOT NULL,
    type text NOT NULL,
    role text NOT NULL,
    content jsonb NOT NULL,
    preview varchar(200),
    tool_uses jsonb,
    parent_tool_use_id text,
    queued boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT messages_session_id_ordinal_key UNIQUE (session_id, ordinal),
    CONSTRAINT messages_type_check CHECK (type IN ('user', 'assistant', 'system', 'tool_result', 'file_snapshot')),
    CONSTRAINT messages_role_check CHECK (role IN ('user', 'assistant', 'system')),
    CONSTRAINT messages_ordinal_check CHECK (ordinal >= 0)
);

CREATE INDEX messages_task_id_idx ON messages (task_id);
CREATE INDEX messages_queued_idx ON messages (session_id, created_at) WHERE queued;
CREATE INDEX messages_parent_tool_use_id_idx ON messages (parent_tool_use_id) WHERE parent_tool_use_id IS NOT NULL;

-- Remarks of people on a board, pinned to a place or to a thing; replies form threads.
CREATE TABLE board_comments (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    board_id uuid NOT NULL REFERENCES boards (id) ON DELETE CASCADE,
    author_id uuid REFERENCES users (id) ON DELETE SET NULL,
    reply_to_id uuid REFERENCES board_comments (id) ON DELETE CASCADE,
    object_id uuid REFERENCES board_objects (id) ON DELETE SET NULL,
    session_id uuid REFERENCES sessions (id) ON DELETE SET NULL,
    task_id uuid REFERENCES tasks (id) ON DELETE SET NULL,
    message_id bigint REFERENCES messages (id) ON DELETE SET NULL,
    x double precision,
    y double precision,
    content text NOT NULL,
    reactions jsonb NOT NULL DEFAULT '[]',
    resolved boolean NOT NULL DEFAULT false,
    edited_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT board_comments_reply_check CHECK (reply_to_id <> id),
    CONSTRAINT board_comments_place_check CHECK ((x IS NULL) = (y IS NULL))
);

CREATE INDEX board_comments_board_id_created_at_idx ON board_comments (board_id, created_at DESC);
CREATE INDEX board_comments_open_idx ON board_comments (board_id) WHERE NOT resolved AND reply_to_id IS NULL;
CREATE INDEX board_comments_author_id_idx ON board_comments (author_id);
CREATE INDEX board_comments_reply_to_id_idx ON board_comments (reply_to_id);
CREATE INDEX board_comments_object_id_idx ON board_comments (object_id);
CREATE INDEX board_comments_session_id_idx ON board_comments (session_id);
CREATE INDEX board_comments_task_id_idx ON board_comments (task_id);
CREATE INDEX board_comments_message_id_idx ON board_comments (message_id);

-- What the installation remembers about itself, the marks of the seed among it.
CREATE TABLE settings (
    key text PRIMARY KEY,
    value jsonb NOT NULL,
    updated_by uuid REFERENCES users (id) ON DELETE SET NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT settings_key_check CHECK (key <> '')
);

CREATE INDEX settings_updated_by_idx ON settings (updated_by);
