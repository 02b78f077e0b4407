-- whimbrel: foreign-keys off

-- Every worktree gets a number of its own, from which ports and host names are derived. The ones that
-- exist are numbered by age, 1 for the oldest; the id decides among equals.
-- SQLite cannot add a NOT NULL column without a default, so the table is rebuilt under another name and renamed.
-- Foreign keys are off meanwhile, or dropping the old table would reach into the rows that refer to it.

CREATE TABLE worktrees_new (
    id text NOT NULL PRIMARY KEY DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', (random() & 3) + 1, 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
    repo_id text NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
    board_id text REFERENCES boards (id) ON DELETE SET NULL,
    name text NOT NULL,
    path text NOT NULL,
    ref text NOT NULL,
    base_ref text,
    base_sha text CHECK (length(base_sha) <= 64),
    new_branch integer NOT NULL DEFAULT 1 CHECK (new_branch IN (0, 1)),
    status text NOT NULL DEFAULT 'creating',
    issue_url text,
    pull_request_url text,
    notes text,
    environment text CHECK (environment IS NULL OR json_valid(environment)),
    disk_bytes integer NOT NULL DEFAULT 0,
    created_by text REFERENCES users (id) ON DELETE SET NULL,
    last_used_at text,
    archived_at text,
    created_at text NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at text NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    unique_id integer NOT NULL,
    CONSTRAINT worktrees_repo_id_name_key UNIQUE (repo_id, name),
    CONSTRAINT worktrees_path_key UNIQUE (path),
    CONSTRAINT worktrees_status_check CHECK (status IN ('creating', 'ready', 'failed', 'archived')),
    CONSTRAINT worktrees_archived_check CHECK ((status = 'archived') = (archived_at IS NOT NULL)),
    CONSTRAINT worktrees_unique_id_key UNIQUE (unique_id),
    CONSTRAINT worktrees_unique_id_check CHECK (unique_id > 0)
);

INSERT INTO worktrees_new (
    id, repo_id, board_id, name, path, ref, base_ref, base_sha, new_branch, status, issue_url,
    pull_request_url, notes, environment, disk_bytes, created_by, last_used_at, archived_at,
    created_at, updated_at, unique_id
)
SELECT
    id, repo_id, board_id, name, path, ref, base_ref, base_sha, new_branch, status, issue_url,
    pull_request_url, notes, environment, disk_bytes, created_by, last_used_at, archived_at,
    created_at, updated_at, row_number() OVER (ORDER BY created_at, id)
FROM worktrees;

DROP TABLE worktrees;
ALTER TABLE worktrees_new RENAME TO worktrees;

CREATE INDEX worktrees_board_id_idx ON worktrees (board_id) WHERE board_id IS NOT NULL;
CREATE INDEX worktrees_repo_id_status_idx ON worktrees (repo_id, status);
CREATE INDEX worktrees_created_by_idx ON worktrees (created_by);
