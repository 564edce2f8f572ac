-- Written by hand: the migrator has made the schema already, since its own table lives there.
CREATE SCHEMA IF NOT EXISTS "tollgate";
--> statement-breakpoint
CREATE TABLE "tollgate"."accounts" (
	"account_id" text PRIMARY KEY NOT NULL,
	"last_serial" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tollgate"."api_keys" (
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"name" text NOT NULL,
	"secret_hash" text NOT NULL,
	"employees" text[],
	"names_employee" boolean NOT NULL,
	"names_organization" boolean NOT NULL,
	"names_message" boolean NOT NULL,
	"names_purpose" boolean NOT NULL,
	"creates_employees" boolean NOT NULL,
	"created_by" text NOT NULL,
	"created_at_ms" bigint NOT NULL,
	"revoked_by" text,
	"revoked_at_ms" bigint,
	"serial" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tollgate"."entries" (
	"account_id" text NOT NULL,
	"serial" bigint NOT NULL,
	"id" text NOT NULL,
	"kind" text NOT NULL,
	"epoch" integer NOT NULL,
	"called_in" integer NOT NULL,
	"row_key" text NOT NULL,
	"category" text NOT NULL,
	"tier" text NOT NULL,
	"model" text NOT NULL,
	"item" text NOT NULL,
	"employee" text NOT NULL,
	"organization" text NOT NULL,
	"charged" bigint NOT NULL,
	"uncollected" bigint NOT NULL,
	"units" bigint NOT NULL,
	"input_tokens" bigint NOT NULL,
	"cached_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"reasoning_tokens" bigint NOT NULL,
	"added_charged" bigint NOT NULL,
	"added_uncollected" bigint NOT NULL,
	"added_units" bigint NOT NULL,
	"added_input_tokens" bigint NOT NULL,
	"added_cached_tokens" bigint NOT NULL,
	"added_output_tokens" bigint NOT NULL,
	"added_reasoning_tokens" bigint NOT NULL,
	"windows" text[] NOT NULL,
	"lineage" bigint NOT NULL,
	"n" bigint NOT NULL,
	"at_ms" bigint NOT NULL,
	"message_id" text NOT NULL,
	"detail" jsonb,
	CONSTRAINT "entries_account_id_serial_pk" PRIMARY KEY("account_id","serial"),
	CONSTRAINT "entries_kind" CHECK ("tollgate"."entries"."kind" in ('settled', 'expired'))
);
--> statement-breakpoint
CREATE TABLE "tollgate"."idempotency_keys" (
	"account_id" text NOT NULL,
	"key_hash" text NOT NULL,
	"charge_id" text NOT NULL,
	"request_hash" text NOT NULL,
	"created_at_ms" bigint NOT NULL,
	CONSTRAINT "idempotency_keys_account_id_key_hash_pk" PRIMARY KEY("account_id","key_hash")
);
--> statement-breakpoint
CREATE TABLE "tollgate"."lineages" (
	"account_id" text NOT NULL,
	"lineage" bigint NOT NULL,
	"highest_n" bigint NOT NULL,
	CONSTRAINT "lineages_account_id_lineage_pk" PRIMARY KEY("account_id","lineage")
);
--> statement-breakpoint
CREATE TABLE "tollgate"."row_totals" (
	"account_id" text NOT NULL,
	"epoch" integer NOT NULL,
	"row_key" text NOT NULL,
	"charged" bigint NOT NULL,
	"uncollected" bigint NOT NULL,
	"units" bigint NOT NULL,
	"input_tokens" bigint NOT NULL,
	"cached_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"reasoning_tokens" bigint NOT NULL,
	CONSTRAINT "row_totals_account_id_epoch_row_key_pk" PRIMARY KEY("account_id","epoch","row_key")
);
--> statement-breakpoint
CREATE TABLE "tollgate"."window_totals" (
	"account_id" text NOT NULL,
	"level" text NOT NULL,
	"window" text NOT NULL,
	"spent" bigint NOT NULL,
	"changed_serial" bigint NOT NULL,
	CONSTRAINT "window_totals_account_id_level_window_pk" PRIMARY KEY("account_id","level","window")
);
--> statement-breakpoint
CREATE UNIQUE INDEX "api_keys_secret" ON "tollgate"."api_keys" USING btree ("secret_hash");--> statement-breakpoint
CREATE UNIQUE INDEX "api_keys_serial" ON "tollgate"."api_keys" USING btree ("serial");--> statement-breakpoint
CREATE INDEX "api_keys_account" ON "tollgate"."api_keys" USING btree ("account_id","created_at_ms","id");--> statement-breakpoint
CREATE UNIQUE INDEX "entries_charge" ON "tollgate"."entries" USING btree ("account_id","id","kind");--> statement-breakpoint
CREATE INDEX "entries_time" ON "tollgate"."entries" USING btree ("account_id","at_ms","serial");--> statement-breakpoint
CREATE INDEX "entries_message" ON "tollgate"."entries" USING btree ("account_id",left("message_id", 100)) WHERE "tollgate"."entries"."message_id" <> '';
