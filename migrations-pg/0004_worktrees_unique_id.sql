-- whimbrel: lock-timeout 5s

-- Every worktree gets a number of its own, from which ports and host names are derived. The ones that
-- exist are numbered by age, 1 for the oldest; the id decides among equals.
ALTER TABLE worktrees ADD COLUMN unique_id integer;

UPDATE worktrees
SET unique_id = numbered.number
FROM (SELECT id, row_number() OVER (ORDER BY created_at, id) AS number FROM worktrees) AS numbered
WHERE worktrees.id = numbered.id;

ALTER TABLE worktrees
    ALTER COLUMN unique_id SET NOT NULL,
    ADD CONSTRAINT worktrees_unique_id_key UNIQUE (unique_id),
    ADD CONSTRAINT worktrees_unique_id_check CHECK (unique_id > 0);
