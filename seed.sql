-- What a new installation starts with. It runs after the migrations, once, and again whenever this
-- file changes; it is the same text for SQLite and Postgres.
--
-- The default board is made once in the life of an installation. The mark in `settings` stands for
-- "it was made", in the same transaction, so a board that somebody deleted, renamed or demoted since
-- then does not come back. An installation that is older than the mark may have its board already:
-- a default one, or one with the same slug. Then nothing is made, and the mark is set all the same.

INSERT INTO boards (name, slug, description, icon, is_default)
SELECT 'Main board', 'main', 'Where new worktrees land until they are given a board of their own.', '🪶', true
WHERE NOT EXISTS (SELECT 1 FROM settings WHERE key = 'seed.default_board')
  AND NOT EXISTS (SELECT 1 FROM boards WHERE is_default OR slug = 'main');

INSERT INTO settings (key, value)
SELECT 'seed.default_board', '{"made": true}'
WHERE NOT EXISTS (SELECT 1 FROM settings WHERE key = 'seed.default_board');
