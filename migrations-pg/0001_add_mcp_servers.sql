-- whimbrel: lock-timeout 5s

-- Tool servers that sessions can be connected to: for everyone, or for one repository.
CREATE TABLE mcp_servers (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL,
    scope text NOT NULL DEFAULT 'global',
    repo_id uuid REFERENCES repos (id) ON DELETE CASCADE,
    transport text NOT NULL,
    command text,
    args jsonb NOT NULL DEFAULT '[]',
    url text,
    env jsonb NOT NULL DEFAULT '{}',
    tools jsonb,
    enabled boolean NOT NULL DEFAULT true,
    created_by uuid REFERENCES users (id) ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT mcp_servers_repo_id_name_key UNIQUE (repo_id, name),
    CONSTRAINT mcp_servers_scope_check CHECK (scope IN ('global', 'repo')),
    CONSTRAINT mcp_servers_repo_check CHECK ((scope = 'repo') = (repo_id IS NOT NULL)),
    CONSTRAINT mcp_servers_transport_check CHECK (transport IN ('stdio', 'http', 'sse')),
    CONSTRAINT mcp_servers_endpoint_check CHECK ((transport = 'stdio' AND command IS NOT NULL) OR (transport <> 'stdio' AND url IS NOT NULL))
);

-- Nulls are distinct to a unique constraint, so global servers need an index of their own.
CREATE UNIQUE INDEX mcp_servers_global_name_idx ON mcp_servers (name) WHERE repo_id IS NULL;
CREATE INDEX mcp_servers_created_by_idx ON mcp_servers (created_by);

-- Which servers a session uses.
CREATE TABLE session_mcp_servers (
    session_id uuid NOT NULL REFERENCES sessions (id),
    mcp_server_id uuid NOT NULL REFERENCES mcp_servers (id) ON DELETE CASCADE,
    enabled boolean NOT NULL DEFAULT true,
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, mcp_server_id)
);

CREATE INDEX session_mcp_servers_mcp_server_id_idx ON session_mcp_servers (mcp_server_id) WHERE enabled;
