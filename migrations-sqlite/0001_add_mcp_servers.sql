-- Tool servers that sessions can be connected to: for everyone, or for one repository.
CREATE TABLE mcp_servers (
    id text NOT NULL PRIMARY KEY DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', (random() & 3) + 1, 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    name text NOT NULL,
    scope text NOT NULL DEFAULT 'global',
    repo_id text REFERENCES repos (id) ON DELETE CASCADE,
    transport text NOT NULL,
    command text,
    args text NOT NULL DEFAULT '[]' CHECK (json_valid(args)),
    url text,
    env text NOT NULL DEFAULT '{}' CHECK (json_valid(env)),
    tools text CHECK (tools IS NULL OR json_valid(tools)),
    enabled integer NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    created_by text REFERENCES users (id) ON DELETE SET NULL,
    created_at text NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at text NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
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
    session_id text NOT NULL REFERENCES sessions (id),
    mcp_server_id text NOT NULL REFERENCES mcp_servers (id) ON DELETE CASCADE,
    enabled integer NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    added_at text NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    PRIMARY KEY (session_id, mcp_server_id)
);

CREATE INDEX session_mcp_servers_mcp_server_id_idx ON session_mcp_servers (mcp_server_id) WHERE enabled;
