ALTER TYPE "mood" ADD VALUE 'odd' BEFORE 'wild';--> statement-breakpoint
ALTER TABLE "teams" ADD COLUMN "extra" text DEFAULT 'x' NOT NULL;--> statement-breakpoint
DROP INDEX "teams_pat";--> statement-breakpoint
ALTER TABLE "teams" ALTER COLUMN "name" SET DATA TYPE varchar(80) USING "name"::varchar(80);