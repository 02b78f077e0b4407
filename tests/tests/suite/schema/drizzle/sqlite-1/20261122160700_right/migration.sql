DROP INDEX IF EXISTS `teams_two`;--> statement-breakpoint
CREATE INDEX `players_team` ON `players` (`team`);