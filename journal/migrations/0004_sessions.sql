CREATE TABLE "tollgate"."sessions" (
	"account_id" text NOT NULL,
	"id" text NOT NULL,
	"kind" text NOT NULL,
	"employee" text NOT NULL,
	"organization" text NOT NULL,
	"message_id" text NOT NULL,
	"adapter" text NOT NULL,
	"ref" text NOT NULL,
	"platform" text,
	"per_minute" bigint NOT NULL,
	"rounding" text NOT NULL,
	"started_at_ms" bigint NOT NULL,
	"ended_at_ms" bigint,
	"end_reason" text,
	"charged" bigint,
	CONSTRAINT "sessions_account_id_id_pk" PRIMARY KEY("account_id","id")
);
--> statement-breakpoint
CREATE INDEX "sessions_account" ON "tollgate"."sessions" USING btree ("account_id","started_at_ms","id");--> statement-breakpoint
CREATE INDEX "sessions_ref" ON "tollgate"."sessions" USING btree ("adapter","ref");