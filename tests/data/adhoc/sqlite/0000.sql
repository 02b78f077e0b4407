-- The tables as a script of somebody's made them, at what became version 0000.

create table if not exists worktrees (
  id text not null primary key default (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', (random() & 3) + 1, 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
  repo_id text not null references repos (id) on delete cascade,
  board_id text references boards (id) on delete set null,
  name text not null,
  path text not null,
  ref text not null,
  base_ref text,
  base_sha text check (length(base_sha) <= 64),
  new_branch integer not null default 1 check (new_branch in (0, 1)),
  status text not null default 'creating',
  issue_url text,
  pull_request_url text,
  notes text,
  environment text check (environment is null or json_valid(environment)),
  disk_bytes integer not null default 0,
  created_by text references users (id) on delete set null,
  last_used_at text,
  archived_at text,
  created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  updated_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  constraint worktrees_repo_id_name_key unique (repo_id, name),
  constraint worktrees_path_key unique (path),
  constraint worktrees_status_check check (status in ('creating', 'ready', 'failed', 'archived')),
  constraint worktrees_archived_check check ((status = 'archived') = (archived_at is not null))
);

create table if not exists users (
  id text not null primary key default (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', (random() & 3) + 1, 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
  email text not null check (length(email) <= 320),
  name text,
  emoji text,
  role text not null default 'member',
  password_hash text,
  avatar_url text,
  preferences text not null default '{}' check (json_valid(preferences)),
  disabled integer not null default 0 check (disabled in (0, 1)),
  last_login_at text,
  created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  updated_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  constraint users_role_check check (role in ('owner', 'admin', 'member', 'viewer'))
);

create table if not exists tasks (
  id text not null primary key default (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', (random() & 3) + 1, 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
  session_id text not null references sessions (id),
  created_by text references users (id) on delete set null,
  ordinal integer not null,
  status text not null default 'created',
  description text,
  prompt text not null,
  first_message_ordinal integer,
  last_message_ordinal integer,
  git_sha_start text check (length(git_sha_start) <= 64),
  git_sha_end text check (length(git_sha_end) <= 64),
  token_usage text check (token_usage is null or json_valid(token_usage)),
  cost_usd numeric(12, 6),
  error text,
  started_at text,
  completed_at text,
  duration_ms integer,
  created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  constraint tasks_session_id_ordinal_key unique (session_id, ordinal),
  constraint tasks_status_check check (status in ('created', 'running', 'completed', 'failed', 'stopped')),
  constraint tasks_messages_check check (last_message_ordinal >= first_message_ordinal),
  constraint tasks_duration_check check (duration_ms >= 0)
);

create table if not exists settings (
  key text not null primary key,
  value text not null check (json_valid(value)),
  updated_by text references users (id) on delete set null,
  updated_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  constraint settings_key_check check (key <> '')
);

create table if not exists sessions (
  id text not null primary key default (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', (random() & 3) + 1, 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
  worktree_id text not null references worktrees (id) on delete cascade,
  created_by text references users (id) on delete set null,
  parent_session_id text references sessions (id) on delete set null,
  forked_from_session_id text references sessions (id) on delete set null,
  fork_ordinal integer,
  agent text not null default 'claude-code',
  tool_version text,
  external_id text,
  status text not null default 'idle',
  title text,
  description text,
  model_config text check (model_config is null or json_valid(model_config)),
  permission_config text not null default '{"mode": "ask"}' check (json_valid(permission_config)),
  git_state text check (git_state is null or json_valid(git_state)),
  message_count integer not null default 0,
  cost_usd numeric(12, 6) not null default 0,
  archived integer not null default 0 check (archived in (0, 1)),
  last_activity_at text,
  created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  updated_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  constraint sessions_tool_check check (agent in ('claude-code', 'codex', 'gemini', 'opencode')),
  constraint sessions_status_check check (status in ('idle', 'running', 'stopping', 'completed', 'failed')),
  constraint sessions_parent_check check (parent_session_id <> id),
  constraint sessions_fork_ordinal_check check (fork_ordinal >= 0),
  constraint sessions_message_count_check check (message_count >= 0)
);

create table if not exists repos (
  id text not null primary key default (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', (random() & 3) + 1, 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
  slug text not null,
  name text not null,
  remote_url text,
  local_path text,
  default_branch text not null default 'main',
  size_bytes integer,
  environment text check (environment is null or json_valid(environment)),
  archived integer not null default 0 check (archived in (0, 1)),
  created_by text references users (id) on delete set null,
  last_fetched_at text,
  created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  updated_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  constraint repos_slug_key unique (slug),
  constraint repos_source_check check (remote_url is not null or local_path is not null),
  constraint repos_size_check check (size_bytes >= 0)
);

create table if not exists messages (
  id integer primary key autoincrement,
  session_id text not null references sessions (id),
  task_id text references tasks (id) on delete set null,
  ordinal integer not null,
  type text not null,
  role text not null,
  content text not null check (json_valid(content)),
  preview text check (length(preview) <= 200),
  tool_uses text check (tool_uses is null or json_valid(tool_uses)),
  parent_tool_use_id text,
  queued integer not null default 0 check (queued in (0, 1)),
  created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  constraint messages_session_id_ordinal_key unique (session_id, ordinal),
  constraint messages_type_check check (type in ('user', 'assistant', 'system', 'tool_result', 'file_snapshot')),
  constraint messages_role_check check (role in ('user', 'assistant', 'system')),
  constraint messages_ordinal_check check (ordinal >= 0)
);

create table if not exists boards (
  id text not null primary key default (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', (random() & 3) + 1, 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
  name text not null,
  slug text,
  description text,
  icon text,
  color text check (length(color) <= 7),
  is_default integer not null default 0 check (is_default in (0, 1)),
  sort_key real not null default 0,
  layout text not null default '{}' check (json_valid(layout)),
  archived integer not null default 0 check (archived in (0, 1)),
  created_by text references users (id) on delete set null,
  created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  updated_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  constraint boards_slug_key unique (slug),
  constraint boards_name_check check (name <> '')
);

create table if not exists board_objects (
  id text not null primary key default (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', (random() & 3) + 1, 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
  board_id text not null references boards (id) on delete cascade,
  kind text not null,
  worktree_id text references worktrees (id) on delete cascade,
  zone_id text references board_objects (id) on delete set null,
  x real not null default 0,
  y real not null default 0,
  width real,
  height real,
  z_index integer not null default 0,
  locked integer not null default 0 check (locked in (0, 1)),
  data text not null default '{}' check (json_valid(data)),
  created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  updated_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  constraint board_objects_board_id_worktree_id_key unique (board_id, worktree_id),
  constraint board_objects_kind_check check (kind in ('worktree', 'text', 'markdown', 'zone')),
  constraint board_objects_worktree_check check ((kind = 'worktree') = (worktree_id is not null)),
  constraint board_objects_size_check check (width > 0 and height > 0)
);

create table if not exists board_comments (
  id text not null primary key default (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', (random() & 3) + 1, 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
  board_id text not null references boards (id) on delete cascade,
  author_id text references users (id) on delete set null,
  reply_to_id text references board_comments (id) on delete cascade,
  object_id text references board_objects (id) on delete set null,
  session_id text references sessions (id) on delete set null,
  task_id text references tasks (id) on delete set null,
  message_id integer references messages (id) on delete set null,
  x real,
  y real,
  content text not null,
  reactions text not null default '[]' check (json_valid(reactions)),
  resolved integer not null default 0 check (resolved in (0, 1)),
  edited_at text,
  created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  constraint board_comments_reply_check check (reply_to_id <> id),
  constraint board_comments_place_check check ((x is null) = (y is null))
);

create index if not exists worktrees_repo_id_status_idx on worktrees (repo_id, status);
create index if not exists worktrees_created_by_idx on worktrees (created_by);
create index if not exists worktrees_board_id_idx on worktrees (board_id) where board_id is not null;
create unique index if not exists users_email_lower_idx on users (lower(email));
create index if not exists tasks_status_created_at_idx on tasks (status, created_at desc);
create index if not exists tasks_created_by_idx on tasks (created_by);
create index if not exists settings_updated_by_idx on settings (updated_by);
create index if not exists sessions_worktree_id_status_idx on sessions (worktree_id, status);
create index if not exists sessions_recent_idx on sessions (last_activity_at desc) where not archived;
create index if not exists sessions_parent_session_id_idx on sessions (parent_session_id) where parent_session_id is not null;
create index if not exists sessions_forked_from_session_id_idx on sessions (forked_from_session_id) where forked_from_session_id is not null;
create index if not exists sessions_created_by_idx on sessions (created_by);
create index if not exists sessions_agent_idx on sessions (agent);
create unique index if not exists sessions_agent_external_id_idx on sessions (agent, external_id) where external_id is not null;
create index if not exists repos_created_by_idx on repos (created_by);
create index if not exists messages_task_id_idx on messages (task_id);
create index if not exists messages_queued_idx on messages (session_id, created_at) where queued;
create index if not exists messages_parent_tool_use_id_idx on messages (parent_tool_use_id) where parent_tool_use_id is not null;
create unique index if not exists boards_is_default_idx on boards (is_default) where is_default;
create index if not exists boards_created_by_idx on boards (created_by);
create index if not exists board_objects_zone_id_idx on board_objects (zone_id) where zone_id is not null;
create index if not exists board_objects_worktree_id_idx on board_objects (worktree_id);
create index if not exists board_comments_task_id_idx on board_comments (task_id);
create index if not exists board_comments_session_id_idx on board_comments (session_id);
create index if not exists board_comments_reply_to_id_idx on board_comments (reply_to_id);
create index if not exists board_comments_open_idx on board_comments (board_id) where not resolved and reply_to_id is null;
create index if not exists board_comments_object_id_idx on board_comments (object_id);
create index if not exists board_comments_message_id_idx on board_comments (message_id);
create index if not exists board_comments_board_id_created_at_idx on board_comments (board_id, created_at desc);
create index if not exists board_comments_author_id_idx on board_comments (author_id);
