CREATE TABLE `teams` (
	`id` integer PRIMARY KEY AUTOINCREMENT,
	`name` text(40) NOT NULL UNIQUE,
	`mood` text DEFAULT 'it''s fine',
	`at` integer DEFAULT (unixepoch()) NOT NULL,
	`day` text DEFAULT CURRENT_DATE,
	`r` real DEFAULT -1.5,
	`upper` text GENERATED ALWAYS AS (upper("name")) STORED,
	CONSTRAINT "teams_r" CHECK("teams"."r" > -100 or "teams"."mood" like 'a;b%')
);
--> statement-breakpoint
CREATE TABLE `players` (
	`id` text PRIMARY KEY,
	`rival` text,
	`team` integer,
	`a` integer NOT NULL,
	`b` integer NOT NULL,
	CONSTRAINT `rivals` FOREIGN KEY (`rival`) REFERENCES `players`(`id`) ON DELETE RESTRICT,
	CONSTRAINT `fk_players_team_teams_id_fk` FOREIGN KEY (`team`) REFERENCES `teams`(`id`) ON UPDATE CASCADE ON DELETE SET NULL,
	CONSTRAINT `players_a_b_unique` UNIQUE(`a`,`b`)
);
--> statement-breakpoint
CREATE TABLE `links` (
	`player` text NOT NULL,
	`team` integer NOT NULL,
	CONSTRAINT `links_pk` PRIMARY KEY(`player`, `team`),
	CONSTRAINT `fk_links_player_players_id_fk` FOREIGN KEY (`player`) REFERENCES `players`(`id`)
);
--> statement-breakpoint
CREATE INDEX `teams_two` ON `teams` (`mood`,"at" desc);--> statement-breakpoint
CREATE UNIQUE INDEX `teams_lower` ON `teams` (lower("name")) WHERE "teams"."mood" = 'calm';--> statement-breakpoint
CREATE VIEW `calm` AS select "id" from "teams" where "teams"."mood" = 'calm';