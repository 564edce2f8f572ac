CREATE TABLE "tollgate"."audit" (
	"id" text PRIMARY KEY NOT NULL,
	"at_ms" bigint NOT NULL,
	"account_id" text NOT NULL,
	"who" text NOT NULL,
	"action" text NOT NULL,
	"why" text NOT NULL,
	"request" jsonb NOT NULL,
	"before" jsonb,
	"after" jsonb,
	"outcome" text
);
--> statement-breakpoint
CREATE TABLE "tollgate"."invites" (
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"email" text NOT NULL,
	"times_sent" integer NOT NULL,
	"created_at_ms" bigint NOT NULL,
	"sent_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tollgate"."login_links" (
	"code_hash" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"created_at_ms" bigint NOT NULL,
	"expires_at_ms" bigint NOT NULL,
	"used_at_ms" bigint
);
--> statement-breakpoint
CREATE TABLE "tollgate"."orders" (
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"kind" text NOT NULL,
	"item" text NOT NULL,
	"name" text NOT NULL,
	"amount" bigint NOT NULL,
	"price_cents" integer NOT NULL,
	"status" text NOT NULL,
	"payment" text,
	"created_at_ms" bigint NOT NULL,
	"paid_at_ms" bigint,
	"granted_at_ms" bigint
);
--> statement-breakpoint
CREATE TABLE "tollgate"."people" (
	"email" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"created_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tollgate"."promo_codes" (
	"code" text PRIMARY KEY NOT NULL,
	"amount" bigint NOT NULL,
	"keeps" boolean NOT NULL,
	"periods" integer,
	"valid_from_ms" bigint,
	"valid_until_ms" bigint,
	"most_taken" integer,
	"most_per_person" integer NOT NULL,
	"taken" integer NOT NULL,
	"created_by" text NOT NULL,
	"created_at_ms" bigint NOT NULL,
	"ended_by" text,
	"ended_at_ms" bigint
);
--> statement-breakpoint
CREATE TABLE "tollgate"."promo_redemptions" (
	"code" text NOT NULL,
	"account_id" text NOT NULL,
	"person" text NOT NULL,
	"at_ms" bigint NOT NULL,
	CONSTRAINT "promo_redemptions_code_account_id_pk" PRIMARY KEY("code","account_id")
);
--> statement-breakpoint
CREATE TABLE "tollgate"."referral_codes" (
	"code" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tollgate"."referred_sign_ups" (
	"account_id" text PRIMARY KEY NOT NULL,
	"referrer" text NOT NULL,
	"email" text NOT NULL,
	"at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tollgate"."sign_ins" (
	"secret_hash" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"by_link" boolean NOT NULL,
	"created_at_ms" bigint NOT NULL,
	"expires_at_ms" bigint NOT NULL,
	"ended_at_ms" bigint
);
--> statement-breakpoint
CREATE INDEX "audit_account" ON "tollgate"."audit" USING btree ("account_id","at_ms");--> statement-breakpoint
CREATE INDEX "audit_time" ON "tollgate"."audit" USING btree ("at_ms");--> statement-breakpoint
CREATE UNIQUE INDEX "invites_address" ON "tollgate"."invites" USING btree ("account_id","email");--> statement-breakpoint
CREATE INDEX "invites_account" ON "tollgate"."invites" USING btree ("account_id","created_at_ms");--> statement-breakpoint
CREATE INDEX "login_links_account" ON "tollgate"."login_links" USING btree ("account_id","created_at_ms");--> statement-breakpoint
CREATE INDEX "orders_account" ON "tollgate"."orders" USING btree ("account_id","created_at_ms");--> statement-breakpoint
CREATE INDEX "people_account" ON "tollgate"."people" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "promo_redemptions_person" ON "tollgate"."promo_redemptions" USING btree ("code","person");--> statement-breakpoint
CREATE UNIQUE INDEX "referral_codes_account" ON "tollgate"."referral_codes" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "referred_sign_ups_referrer" ON "tollgate"."referred_sign_ups" USING btree ("referrer","at_ms");