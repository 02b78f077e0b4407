ALTER TABLE "ops"."players" ADD COLUMN "nick" text UNIQUE;--> statement-breakpoint
DROP VIEW "calm";--> statement-breakpoint
ALTER TABLE "teams" ALTER COLUMN "at" DROP DEFAULT;