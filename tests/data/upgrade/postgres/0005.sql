-- Rows for every table as it is right after version 0005; see tests/data/README.md.

INSERT INTO users (
    id, email, name, emoji, role, password_hash, avatar_url, preferences, disabled, last_login_at,
    created_at, updated_at, onboarding_completed
) VALUES
    ('00000001-0000-7000-8000-000000000001', 'Ada.O''Neill@example.org', 'Ada O''Neill', '🦉', 'owner', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA', NULL, '{"theme": "dark", "editor": {"tab": 2, "font": "Iosevka; mono"}}', false, '2024-02-12T09:15:00.000Z', '2024-01-01T08:15:00.000Z', '2024-02-12T09:15:00.000Z', true),
    ('00000001-0000-7000-8000-000000000002', 'søren@example.org', 'Søren "the quiet" Ångström', NULL, 'admin', NULL, 'https://cdn.example.org/a?id=1&size=2', '{}', false, NULL, '2024-01-02T08:15:00.001Z', '2024-01-02T08:15:00.001Z', false),
    ('00000001-0000-7000-8000-000000000003', 'li@example.org', '李小龍', '🐉', 'member', NULL, NULL, '{"note": "back\\slash and \"quotes\" and ''apostrophes''"}', true, '2024-01-03T23:15:00.999Z', '2024-01-03T08:15:00.000Z', '2024-01-03T09:15:00.000Z', true),
    ('00000001-0000-7000-8000-000000000004', 'guest@example.org', NULL, NULL, 'viewer', NULL, NULL, '{"flags": [true, false, null]}', false, NULL, '2024-01-04T08:15:00.000Z', '2024-01-04T08:15:00.000Z', false);

INSERT INTO repos (
    id, slug, name, remote_url, local_path, default_branch, size_bytes, environment, archived,
    created_by, last_fetched_at, created_at, updated_at
) VALUES
    ('00000002-0000-7000-8000-000000000001', 'acme/rocket', 'Rocket', 'https://git.example.org/acme/rocket.git', '/srv/repos/rocket', 'main', 9007199254740993, '{"up": "make up PORT=$((3000 + N))", "health": "http://localhost/ok"}', false, '00000001-0000-7000-8000-000000000001', '2024-02-11T01:15:00.000Z', '2024-01-05T08:15:00.000Z', '2024-02-11T01:15:00.000Z'),
    ('00000002-0000-7000-8000-000000000002', 'local-notes', 'Notes; and -- drafts', NULL, '/home/ada/it''s here/notes', 'trunk', NULL, NULL, false, '00000001-0000-7000-8000-000000000002', NULL, '2024-01-06T08:15:00.000Z', '2024-01-06T08:15:00.000Z'),
    ('00000002-0000-7000-8000-000000000003', 'old/пример', 'Пример', 'ssh://git@example.org/old.git', NULL, 'master', 0, '[]', true, NULL, NULL, '2024-01-07T08:15:00.000Z', '2024-01-08T08:15:00.000Z');

INSERT INTO boards (
    id, name, slug, description, icon, color, is_default, sort_key, layout, archived, created_by,
    created_at, updated_at
) VALUES
    ('00000003-0000-7000-8000-000000000001', 'Launch', 'launch', 'Everything for the launch.
Second line.', '🚀', '#ff8800', false, 1.5, '{"zoom": 0.75, "center": [10, -20.5]}', false, '00000001-0000-7000-8000-000000000001', '2024-01-08T08:15:00.000Z', '2024-01-09T08:15:00.000Z'),
    ('00000003-0000-7000-8000-000000000002', 'Board without a slug', NULL, NULL, NULL, NULL, false, -0.25, '{}', false, NULL, '2024-01-09T08:15:00.000Z', '2024-01-09T08:15:00.000Z'),
    ('00000003-0000-7000-8000-000000000003', 'Bob''s old board', 'old-board', '', '', '', false, 0, '{"grid": true}', true, '00000001-0000-7000-8000-000000000003', '2024-01-10T08:15:00.000Z', '2024-01-11T08:15:00.000Z');

INSERT INTO worktrees (
    id, repo_id, board_id, name, path, ref, base_ref, base_sha, new_branch, status, issue_url,
    pull_request_url, notes, environment, disk_bytes, created_by, last_used_at, archived_at,
    created_at, updated_at, unique_id
) VALUES
    ('00000004-0000-7000-8000-000000000001', '00000002-0000-7000-8000-000000000001', '00000003-0000-7000-8000-000000000001', 'feature-login', '/srv/wt/feature-login', 'feature/login', 'main', '9999999999999999999999999999999999999999', true, 'ready', 'https://example.org/issues/1', NULL, 'Überprüfen; then merge', '{"port": 3001}', 123456789012, '00000001-0000-7000-8000-000000000001', '2024-02-10T02:15:00.000Z', NULL, '2024-01-14T08:15:00.000Z', '2024-02-10T02:15:00.000Z', 7),
    ('00000004-0000-7000-8000-000000000002', '00000002-0000-7000-8000-000000000001', NULL, 'hotfix', '/srv/wt/hotfix', 'hotfix/1', 'main', NULL, true, 'creating', NULL, NULL, NULL, NULL, 0, '00000001-0000-7000-8000-000000000002', NULL, NULL, '2024-01-13T08:15:00.000Z', '2024-01-13T08:15:00.000Z', 42),
    ('00000004-0000-7000-8000-000000000003', '00000002-0000-7000-8000-000000000001', '00000003-0000-7000-8000-000000000001', 'spike', '/srv/wt/spike', 'spike', NULL, NULL, false, 'failed', NULL, NULL, 'couldn''t clone', NULL, 1, NULL, NULL, NULL, '2024-01-13T08:15:00.000Z', '2024-01-13T09:15:00.000Z', 3),
    ('00000004-0000-7000-8000-000000000004', '00000002-0000-7000-8000-000000000002', '00000003-0000-7000-8000-000000000002', 'feature-login', '/srv/wt/notes-login', 'feature/login', 'trunk', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', true, 'archived', NULL, 'https://example.org/pull/7', NULL, NULL, 5, '00000001-0000-7000-8000-000000000003', '2024-01-20T02:15:00.000Z', '2024-01-21T02:15:00.000Z', '2024-01-12T08:15:00.000Z', '2024-01-21T02:15:00.000Z', 1000),
    ('00000004-0000-7000-8000-000000000005', '00000002-0000-7000-8000-000000000003', NULL, '分支', '/srv/wt/分支', '分支', 'master', NULL, true, 'ready', NULL, NULL, '', 'null', 0, NULL, NULL, NULL, '2024-01-15T08:15:00.000Z', '2024-01-15T08:15:00.000Z', 1);

INSERT INTO board_objects (
    id, board_id, kind, worktree_id, zone_id, x, y, width, height, z_index, locked, data,
    created_at, updated_at
) VALUES
    ('00000005-0000-7000-8000-000000000001', '00000003-0000-7000-8000-000000000001', 'zone', NULL, NULL, 0, 0, 800.5, 600, -1, true, '{"label": "Review", "trigger": {"prompt": "Look at {{worktree}}"}}', '2024-01-16T08:15:00.000Z', '2024-01-16T08:15:00.000Z'),
    ('00000005-0000-7000-8000-000000000002', '00000003-0000-7000-8000-000000000001', 'zone', NULL, '00000005-0000-7000-8000-000000000001', 10, 10, 200, 100, 0, false, '{"label": "Inner"}', '2024-01-16T09:15:00.000Z', '2024-01-16T09:15:00.000Z'),
    ('00000005-0000-7000-8000-000000000003', '00000003-0000-7000-8000-000000000001', 'worktree', '00000004-0000-7000-8000-000000000001', '00000005-0000-7000-8000-000000000002', 12.25, -3.5, NULL, NULL, 1, false, '{}', '2024-01-16T10:15:00.000Z', '2024-01-16T10:15:00.000Z'),
    ('00000005-0000-7000-8000-000000000004', '00000003-0000-7000-8000-000000000001', 'worktree', '00000004-0000-7000-8000-000000000003', NULL, 1000000.0, 0.125, NULL, NULL, 2, false, '{}', '2024-01-16T11:15:00.000Z', '2024-01-16T11:15:00.000Z'),
    ('00000005-0000-7000-8000-000000000005', '00000003-0000-7000-8000-000000000002', 'text', NULL, NULL, 1, 1, NULL, NULL, 0, false, '{"text": "Don''t; -- /* touch"}', '2024-01-16T12:15:00.000Z', '2024-01-16T12:15:00.000Z'),
    ('00000005-0000-7000-8000-000000000006', '00000003-0000-7000-8000-000000000002', 'markdown', NULL, NULL, 2, 2, 300, 200, 0, false, '{"markdown": "# Ünïcode\n\n- ☃"}', '2024-01-16T13:15:00.000Z', '2024-01-16T13:15:00.000Z');

INSERT INTO sessions (
    id, worktree_id, created_by, parent_session_id, forked_from_session_id, fork_ordinal,
    agentic_tool, tool_version, external_id, status, title, description, model_config,
    permission_config, git_state, message_count, cost_usd, archived, last_activity_at, created_at,
    updated_at
) VALUES
    ('00000006-0000-7000-8000-000000000001', '00000004-0000-7000-8000-000000000001', '00000001-0000-7000-8000-000000000001', NULL, NULL, NULL, 'claude-code', '1.0.2', 'conv-1', 'running', 'Login page', 'The first one', '{"model": "large", "temperature": 0.2}', '{"mode": "ask", "allow": ["read", "ls -la"]}', '{"ref": "feature/login", "dirty": true}', 7, 1.234567, false, '2024-02-10T02:15:00.000Z', '2024-01-17T08:15:00.000Z', '2024-02-10T02:15:00.000Z'),
    ('00000006-0000-7000-8000-000000000002', '00000004-0000-7000-8000-000000000001', '00000001-0000-7000-8000-000000000002', '00000006-0000-7000-8000-000000000001', NULL, NULL, 'codex', NULL, 'conv-1', 'idle', 'Child of the first', NULL, NULL, '{"mode": "ask"}', NULL, 2, 0, false, '2024-02-09T02:15:00.000Z', '2024-01-18T08:15:00.000Z', '2024-02-09T02:15:00.000Z'),
    ('00000006-0000-7000-8000-000000000003', '00000004-0000-7000-8000-000000000001', NULL, '00000006-0000-7000-8000-000000000002', NULL, NULL, 'gemini', NULL, NULL, 'stopping', 'Grandchild', NULL, NULL, '{"mode": "auto"}', NULL, 0, 1e-06, false, NULL, '2024-01-18T09:15:00.000Z', '2024-01-18T09:15:00.000Z'),
    ('00000006-0000-7000-8000-000000000004', '00000004-0000-7000-8000-000000000001', '00000001-0000-7000-8000-000000000001', NULL, '00000006-0000-7000-8000-000000000001', 2, 'claude-code', '1.0.3', 'conv-4', 'completed', 'Fork of the first; it''s done', '', '{}', '{"mode": "deny"}', NULL, 1, 99999.5, false, '2024-02-08T02:15:00.000Z', '2024-01-19T08:15:00.000Z', '2024-02-08T02:15:00.000Z'),
    ('00000006-0000-7000-8000-000000000005', '00000004-0000-7000-8000-000000000001', '00000001-0000-7000-8000-000000000001', '00000006-0000-7000-8000-000000000004', '00000006-0000-7000-8000-000000000004', NULL, 'opencode', NULL, NULL, 'failed', NULL, NULL, NULL, '{"mode": "ask"}', NULL, 0, 0, false, NULL, '2024-01-19T09:15:00.000Z', '2024-01-19T09:15:00.000Z'),
    ('00000006-0000-7000-8000-000000000006', '00000004-0000-7000-8000-000000000004', '00000001-0000-7000-8000-000000000003', NULL, NULL, NULL, 'claude-code', NULL, NULL, 'idle', 'Заметки', NULL, NULL, '{"mode": "ask"}', NULL, 1, 0, true, '2024-01-20T02:15:00.000Z', '2024-01-20T01:15:00.000Z', '2024-01-20T02:15:00.000Z'),
    ('00000006-0000-7000-8000-000000000007', '00000004-0000-7000-8000-000000000005', NULL, NULL, NULL, NULL, 'opencode', NULL, NULL, 'idle', 'Nothing said yet', NULL, NULL, '{}', NULL, 0, 0, false, NULL, '2024-01-21T08:15:00.000Z', '2024-01-21T08:15:00.000Z');

INSERT INTO tasks (
    id, session_id, created_by, ordinal, status, description, prompt, first_message_ordinal,
    last_message_ordinal, git_sha_start, git_sha_end, token_usage, cost_usd, error, started_at,
    completed_at, duration_ms, created_at
) VALUES
    ('00000007-0000-7000-8000-000000000001', '00000006-0000-7000-8000-000000000001', '00000001-0000-7000-8000-000000000001', 0, 'completed', 'Make a login page', 'Make a login page; it''s urgent.

```sql
SELECT ''x''; -- y
```', 0, 3, '1111111111111111111111111111111111111111', '2222222222222222222222222222222222222222', '{"input": 1200, "output": 345}', 0.75, NULL, '2024-01-17T08:15:00.000Z', '2024-01-17T09:15:00.000Z', 3600000, '2024-01-17T08:15:00.000Z'),
    ('00000007-0000-7000-8000-000000000002', '00000006-0000-7000-8000-000000000001', '00000001-0000-7000-8000-000000000001', 1, 'running', NULL, 'Now test it', 4, NULL, '2222222222222222222222222222222222222222', NULL, NULL, NULL, NULL, '2024-02-10T02:15:00.000Z', NULL, NULL, '2024-02-10T01:15:00.000Z'),
    ('00000007-0000-7000-8000-000000000003', '00000006-0000-7000-8000-000000000002', '00000001-0000-7000-8000-000000000002', 0, 'failed', NULL, 'Review 🔍', 0, 1, NULL, NULL, '{"input": 1, "output": 0}', 1e-06, 'exit status 1: "no such file"', '2024-01-18T08:15:00.000Z', '2024-01-18T09:15:00.000Z', 1, '2024-01-18T08:15:00.000Z'),
    ('00000007-0000-7000-8000-000000000004', '00000006-0000-7000-8000-000000000004', NULL, 0, 'stopped', NULL, '', NULL, NULL, NULL, NULL, NULL, 0, NULL, '2024-01-19T08:15:00.000Z', '2024-01-19T08:15:00.005Z', 0, '2024-01-19T08:15:00.000Z'),
    ('00000007-0000-7000-8000-000000000005', '00000006-0000-7000-8000-000000000004', '00000001-0000-7000-8000-000000000001', 1, 'created', 'Waiting in line', 'Later', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2024-01-19T10:15:00.000Z'),
    ('00000007-0000-7000-8000-000000000006', '00000006-0000-7000-8000-000000000006', '00000001-0000-7000-8000-000000000003', 0, 'completed', NULL, '写笔记', 0, 0, NULL, NULL, '[]', 12.5, NULL, '2024-01-20T01:15:00.000Z', '2024-01-20T02:15:00.000Z', 9007199254740993, '2024-01-20T01:15:00.000Z');

INSERT INTO messages (
    session_id, task_id, ordinal, type, role, content, preview, tool_uses, parent_tool_use_id,
    queued, created_at
) VALUES
    ('00000006-0000-7000-8000-000000000001', '00000007-0000-7000-8000-000000000001', 0, 'user', 'user', '"Make a login page; it''s urgent."', 'Make a login page; it''s urgent.', NULL, NULL, false, '2024-01-17T08:15:00.000Z'),
    ('00000006-0000-7000-8000-000000000001', '00000007-0000-7000-8000-000000000001', 1, 'assistant', 'assistant', '[{"type": "text", "text": "On it — één moment"}, {"type": "tool_use", "id": "tu_1", "name": "Bash", "input": {"command": "ls; echo ''a'' \"b\""}}]', 'On it — één moment', '[{"id": "tu_1", "name": "Bash"}]', NULL, false, '2024-01-17T08:15:00.010Z'),
    ('00000006-0000-7000-8000-000000000001', '00000007-0000-7000-8000-000000000001', 2, 'tool_result', 'user', '{"tool_use_id": "tu_1", "content": "a\tb\n"}', NULL, NULL, 'tu_1', false, '2024-01-17T08:15:00.020Z'),
    ('00000006-0000-7000-8000-000000000001', '00000007-0000-7000-8000-000000000001', 3, 'file_snapshot', 'system', '{"files": {"src/login.rs": "fn main() {}"}}', '', NULL, NULL, false, '2024-01-17T08:15:00.030Z'),
    ('00000006-0000-7000-8000-000000000001', NULL, 4, 'system', 'system', '"Compacted"', NULL, NULL, NULL, false, '2024-02-10T01:15:00.000Z'),
    ('00000006-0000-7000-8000-000000000001', '00000007-0000-7000-8000-000000000002', 5, 'user', 'user', '"Now test it"', 'Now test it', NULL, NULL, false, '2024-02-10T02:15:00.000Z'),
    ('00000006-0000-7000-8000-000000000001', NULL, 6, 'user', 'user', '"and then deploy"', 'and then deploy', NULL, NULL, true, '2024-02-10T02:15:00.500Z'),
    ('00000006-0000-7000-8000-000000000002', '00000007-0000-7000-8000-000000000003', 0, 'user', 'user', '"Review 🔍"', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', NULL, NULL, false, '2024-01-18T08:15:00.000Z'),
    ('00000006-0000-7000-8000-000000000002', '00000007-0000-7000-8000-000000000003', 1, 'assistant', 'assistant', 'null', NULL, '[]', NULL, false, '2024-01-18T09:15:00.000Z'),
    ('00000006-0000-7000-8000-000000000004', NULL, 0, 'system', 'system', '{"forked": true}', NULL, NULL, NULL, false, '2024-01-19T08:15:00.000Z'),
    ('00000006-0000-7000-8000-000000000006', '00000007-0000-7000-8000-000000000006', 0, 'user', 'user', '"写笔记"', '写笔记', NULL, NULL, false, '2024-01-20T01:15:00.000Z'),
    ('00000006-0000-7000-8000-000000000001', '00000007-0000-7000-8000-000000000002', 7, 'permission_request', 'system', '{"tool": "Bash", "input": {"command": "rm -rf target"}, "status": "pending"}', 'Bash: rm -rf target', NULL, 'tu_1', false, '2024-02-10T03:15:00.000Z');

-- The latest message was deleted: its id is never given to another one.
INSERT INTO messages (session_id, ordinal, type, role, content)
VALUES ('00000006-0000-7000-8000-000000000007', 0, 'user', 'user', '"never mind"');
DELETE FROM messages WHERE session_id = '00000006-0000-7000-8000-000000000007';

INSERT INTO board_comments (
    id, board_id, author_id, reply_to_id, object_id, session_id, task_id, message_id, x, y,
    content, reactions, resolved, edited_at, created_at
) VALUES
    ('00000008-0000-7000-8000-000000000001', '00000003-0000-7000-8000-000000000001', '00000001-0000-7000-8000-000000000001', NULL, '00000005-0000-7000-8000-000000000003', '00000006-0000-7000-8000-000000000001', '00000007-0000-7000-8000-000000000001', 2, 10.5, 20.5, 'Isn''t this "done"?; DROP TABLE users; --', '[{"emoji": "👍", "by": ["00000001-0000-7000-8000-000000000002", "00000001-0000-7000-8000-000000000003"]}]', false, '2024-01-23T09:15:00.000Z', '2024-01-23T08:15:00.000Z'),
    ('00000008-0000-7000-8000-000000000002', '00000003-0000-7000-8000-000000000001', '00000001-0000-7000-8000-000000000002', '00000008-0000-7000-8000-000000000001', NULL, NULL, NULL, NULL, NULL, NULL, 'A reply', '[]', false, NULL, '2024-01-23T09:15:00.000Z'),
    ('00000008-0000-7000-8000-000000000003', '00000003-0000-7000-8000-000000000001', NULL, '00000008-0000-7000-8000-000000000002', NULL, NULL, NULL, NULL, NULL, NULL, 'A reply to the reply, by someone who left', '[]', false, NULL, '2024-01-23T10:15:00.000Z'),
    ('00000008-0000-7000-8000-000000000004', '00000003-0000-7000-8000-000000000002', '00000001-0000-7000-8000-000000000003', NULL, '00000005-0000-7000-8000-000000000005', '00000006-0000-7000-8000-000000000006', '00000007-0000-7000-8000-000000000006', 11, NULL, NULL, '解決済み', '[]', true, NULL, '2024-01-24T08:15:00.000Z'),
    ('00000008-0000-7000-8000-000000000005', '00000003-0000-7000-8000-000000000002', '00000001-0000-7000-8000-000000000004', NULL, NULL, '00000006-0000-7000-8000-000000000002', '00000007-0000-7000-8000-000000000003', 8, -1, 0, 'Why did it fail?', '[]', false, NULL, '2024-01-25T08:15:00.000Z'),
    ('00000008-0000-7000-8000-000000000006', '00000003-0000-7000-8000-000000000003', '00000001-0000-7000-8000-000000000001', NULL, NULL, NULL, NULL, NULL, 0, 0, '', '[]', false, NULL, '2024-01-26T08:15:00.000Z');

INSERT INTO mcp_servers (
    id, name, scope, repo_id, transport, command, args, url, env, tools, enabled, created_by,
    created_at, updated_at
) VALUES
    ('00000009-0000-7000-8000-000000000001', 'files', 'global', NULL, 'stdio', 'mcp-files', '["--root", "/srv; ls", "it''s"]', NULL, '{"LANG": "de_DE.UTF-8"}', '[{"name": "read"}, {"name": "write"}]', true, '00000001-0000-7000-8000-000000000001', '2024-01-27T08:15:00.000Z', '2024-01-27T08:15:00.000Z'),
    ('00000009-0000-7000-8000-000000000002', 'files', 'repo', '00000002-0000-7000-8000-000000000001', 'http', NULL, '[]', 'https://mcp.example.org/files?x=1&y=2', '{}', NULL, true, '00000001-0000-7000-8000-000000000002', '2024-01-27T09:15:00.000Z', '2024-01-27T09:15:00.000Z'),
    ('00000009-0000-7000-8000-000000000003', 'search', 'repo', '00000002-0000-7000-8000-000000000001', 'sse', NULL, '[]', 'https://mcp.example.org/sse', '{}', NULL, false, NULL, '2024-01-27T10:15:00.000Z', '2024-01-27T10:15:00.000Z'),
    ('00000009-0000-7000-8000-000000000004', 'поиск', 'global', NULL, 'http', NULL, '[]', 'http://localhost:1/', '{}', 'null', true, NULL, '2024-01-27T11:15:00.000Z', '2024-01-27T11:15:00.000Z');

INSERT INTO session_mcp_servers (
    session_id, mcp_server_id, enabled, added_at
) VALUES
    ('00000006-0000-7000-8000-000000000001', '00000009-0000-7000-8000-000000000001', true, '2024-01-28T08:15:00.000Z'),
    ('00000006-0000-7000-8000-000000000001', '00000009-0000-7000-8000-000000000002', false, '2024-01-28T09:15:00.000Z'),
    ('00000006-0000-7000-8000-000000000002', '00000009-0000-7000-8000-000000000001', true, '2024-01-28T10:15:00.000Z'),
    ('00000006-0000-7000-8000-000000000006', '00000009-0000-7000-8000-000000000004', true, '2024-01-28T11:15:00.000Z');

INSERT INTO settings (
    key, value, updated_by, updated_at
) VALUES
    ('ui.theme', '"dark"', '00000001-0000-7000-8000-000000000001', '2024-02-01T08:15:00.000Z'),
    ('limits', '{"sessions": 8, "cost_usd": 12.5}', NULL, '2024-02-01T09:15:00.000Z'),
    ('odd ''key''; --', 'null', '00000001-0000-7000-8000-000000000003', '2024-02-01T10:15:00.000Z'),
    ('feature.✨', 'true', '00000001-0000-7000-8000-000000000002', '2024-02-01T11:15:00.000Z');
