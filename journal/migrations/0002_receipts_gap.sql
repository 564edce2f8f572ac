ALTER TABLE "tollgate"."lineages" ADD COLUMN "first_n" bigint;--> statement-breakpoint
ALTER TABLE "tollgate"."lineages" ADD COLUMN "gap" boolean DEFAULT false NOT NULL;