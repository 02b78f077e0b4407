ALTER TABLE `links` ADD `note` text DEFAULT 'x';--> statement-breakpoint
ALTER TABLE `links` ADD `by` text REFERENCES players(id) ON DELETE CASCADE;