-- whimbrel: lock-timeout 5s

-- A session that waits for a person to allow something is not running: a status of its own.
ALTER TABLE sessions
    DROP CONSTRAINT sessions_status_check,
    ADD CONSTRAINT sessions_status_check CHECK (status IN ('idle', 'running', 'awaiting_permission', 'stopping', 'completed', 'failed'));
