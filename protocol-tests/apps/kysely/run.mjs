// The migrator up and down, introspection, and the query builder with JSON of relations, MERGE, streams and transactions.
import { execSync } from "node:child_process";
import { CamelCasePlugin, Kysely, Migrator, NO_MIGRATIONS, PostgresDialect, sql } from "kysely";
import { jsonArrayFrom, jsonBuildObject, jsonObjectFrom } from "kysely/helpers/postgres";
import Cursor from "pg-cursor";
import pg from "pg";
const show = (what, value) => console.log(what, JSON.stringify(value, (k, v) => (typeof v === "bigint" ? `${v}n` : /At$/.test(k) && v ? "*" : v)));

const db = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: process.argv[2], max: 4 }), cursor: Cursor }), plugins: [new CamelCasePlugin()] });
const migrations = {
  a_tables: {
    up: async (d) => {
      await d.schema.createType("species").asEnum(["dog", "cat"]).execute();
      await d.schema.createSchema("old").ifNotExists().execute();
      await d.schema.createTable("person").addColumn("id", "integer", (c) => c.primaryKey().generatedAlwaysAsIdentity()).addColumn("first_name", "varchar(50)", (c) => c.notNull()).addColumn("data", "jsonb").addColumn("tags", sql`text[]`, (c) => c.defaultTo(sql`'{}'`)).addColumn("created_at", "timestamptz", (c) => c.defaultTo(sql`now()`).notNull()).addColumn("initial", "text", (c) => c.generatedAlwaysAs(sql`left(first_name, 1)`).stored()).addUniqueConstraint("called", ["first_name"], (u) => u.nullsNotDistinct()).addCheckConstraint("long", sql`length(first_name) > 1`).execute();
      await d.schema.createTable("pet").addColumn("id", "bigserial", (c) => c.primaryKey()).addColumn("name", "text").addColumn("owner_id", "integer", (c) => c.references("person.id").onDelete("cascade").onUpdate("no action")).addColumn("species", sql`species`).addColumn("weight", "numeric(6, 2)").addUniqueConstraint("pet_one", ["owner_id", "name"], (u) => u.deferrable().initiallyDeferred()).execute();
      await d.schema.createIndex("pet_lower").on("pet").expression(sql`lower(name) desc nulls last`).where("name", "is not", null).execute();
      await d.schema.createView("dogs").columns(["id", "name"]).as(d.selectFrom("pet").select(["id", "name"]).where("species", "=", sql.lit("dog"))).orReplace().execute();
      await d.schema.createView("counts").materialized().as(d.selectFrom("pet").select(["species"]).select((e) => e.fn.countAll().as("n")).groupBy("species")).execute();
    },
    down: async (d) => { await d.schema.dropView("counts").materialized().execute(); await d.schema.dropView("dogs").execute(); await d.schema.dropTable("pet").cascade().execute(); await d.schema.dropTable("person").execute(); await d.schema.dropType("species").execute(); await d.schema.dropSchema("old").execute(); },
  },
  b_alter: {
    up: async (d) => {
      await d.schema.alterTable("person").addColumn("age", "smallint", (c) => c.unique().check(sql`age >= 0`)).alterColumn("tags", (c) => c.setNotNull()).alterColumn("data", (c) => c.setDataType("json")).execute();
      await d.schema.alterTable("person").renameColumn("age", "years").execute();
      await d.schema.alterTable("pet").addForeignKeyConstraint("again", ["owner_id"], "person", ["id"], (c) => c.onDelete("set null").deferrable()).execute();
      await d.schema.alterTable("pet").setSchema("old").execute(); await d.schema.alterTable("old.pet").setSchema("public").execute();
    },
    down: async (d) => { await d.schema.alterTable("pet").dropConstraint("again").execute(); await d.schema.alterTable("person").dropColumn("years").alterColumn("tags", (c) => c.dropNotNull()).alterColumn("data", (c) => c.setDataType(sql`jsonb using data::jsonb`)).execute(); },
  },
};
const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
const brief = ({ error, results }) => [error?.message, results?.map((r) => [r.migrationName, r.direction, r.status])];
show("latest", brief(await migrator.migrateToLatest()));
console.log(execSync(process.env.DUMP).toString());
show("down", brief(await migrator.migrateDown())); show("none", brief(await migrator.migrateTo(NO_MIGRATIONS))); console.log(execSync(process.env.DUMP).toString());
show("up", brief(await migrator.migrateToLatest()));
show("tables", (await db.introspection.getTables()).map((t) => [t.schema, t.name, t.isView, t.columns.map((c) => [c.name, c.dataType, c.isNullable, c.isAutoIncrementing, c.hasDefaultValue])]));
show("schemas", (await db.introspection.getSchemas()).map((s) => s.name).sort());

const people = await db.insertInto("person").values([{ firstName: "Ann", data: JSON.stringify({ a: [{ b: 1 }, { b: 2 }] }), tags: ["x", "y"] }, { firstName: "Bob", data: null, tags: [] }]).returning(["id", "initial", "createdAt"]).execute();
show("insert", people);
await db.insertInto("pet").values([{ name: "Rex", ownerId: 1, species: "dog", weight: 12.5 }, { name: "Tom", ownerId: 1, species: "cat", weight: 4 }, { name: "Max", ownerId: 2, species: "dog", weight: null }]).execute();
await db.insertInto("pet").columns(["name", "ownerId"]).expression((e) => e.selectFrom("person").select([sql`first_name || '''s'`.as("n"), "id"])).execute();
show("json", await db.selectFrom("person as p").select((e) => ["p.id", jsonArrayFrom(e.selectFrom("pet").select(["pet.id", "pet.name", "species", "weight"]).whereRef("pet.ownerId", "=", "p.id").orderBy("pet.id")).as("pets"), jsonObjectFrom(e.selectFrom("pet").selectAll("pet").whereRef("pet.ownerId", "=", "p.id").orderBy("weight", (o) => o.desc().nullsLast()).orderBy("pet.id").limit(1)).as("heaviest"), jsonBuildObject({ first: e.ref("firstName"), n: sql`1` }).as("built")]).orderBy("p.id").execute());
show("path", await db.selectFrom("person").select([sql`data -> 'a' -> 1 ->> 'b'`.as("b"), sql`data #>> '{a,0,b}'`.as("c")]).where("firstName", "=", "Ann").execute());
show("lateral", await db.selectFrom("person as p").leftJoinLateral((e) => e.selectFrom("pet").select((f) => [f.fn.sum("weight").as("sum"), f.fn.agg("array_agg", ["name"]).orderBy("name").as("names")]).whereRef("ownerId", "=", "p.id").as("s"), (j) => j.onTrue()).select(["p.id", "s.sum", "s.names"]).orderBy("p.id").execute());
show("window", await db.selectFrom("pet").select((e) => ["id", e.fn.agg("rank").over((o) => o.partitionBy("species").orderBy("weight", "desc")).as("r"), e.fn.count("id").filterWhere("weight", ">", 5).over().as("n"), e.case().when("species", "=", "dog").then("woof").else("?").end().as("says")]).orderBy("id").execute());
show("cte", await db.withRecursive("n(i)", (e) => e.selectNoFrom(sql`1`.as("i")).unionAll(e.selectFrom("n").select(sql`i + 1`.as("i")).where("i", "<", 4))).with("gone", (e) => e.deleteFrom("pet").where("name", "like", "%''s").returning("id")).selectFrom("n").select((e) => ["i", e.selectFrom("gone").select(e.fn.countAll().as("c")).as("c")]).execute());
show("conflict", await db.insertInto("person").values({ firstName: "Ann", tags: ["z"] }).onConflict((o) => o.constraint("called").doUpdateSet((e) => ({ tags: sql`person.tags || ${e.ref("excluded.tags")}` })).where("person.id", ">", 0)).returning("tags").executeTakeFirst());
show("update", await db.updateTable("pet as t").from("person as p").set((e) => ({ name: sql`upper(t.name)`, weight: e("weight", "+", 1) })).whereRef("p.id", "=", "t.ownerId").where("p.firstName", "=", "Ann").returning(["t.name", "p.id", "weight"]).execute());
show("using", (await db.deleteFrom("pet").using("person").whereRef("person.id", "=", "pet.ownerId").where("person.firstName", "=", "Bob").executeTakeFirst()).numDeletedRows);
show("merge", await db.mergeInto("pet as t").using("person as s", "s.id", "t.ownerId").whenMatchedAnd("t.species", "=", "cat").thenDelete().whenMatched().thenUpdateSet({ weight: 1 }).whenNotMatched().thenInsertValues({ name: "new", ownerId: sql`s.id` }).executeTakeFirst());
show("values", await db.selectFrom(sql`(values (1, 'a'), (2, 'b')) as v(n, t)`).selectAll().execute().catch((e) => e.message));
show("tuple", await db.selectFrom("pet").select("name").where((e) => e(e.refTuple("name", "ownerId"), "in", [e.tuple("REX", 1)])).execute());
show("sets", await db.selectFrom("person").select("id").intersect(db.selectFrom("pet").select("ownerId as id")).orderBy("id").execute());
const streamed = []; for await (const row of db.selectFrom("pet").select(["id", "name"]).orderBy("id").stream(1)) streamed.push(row.name); show("stream", streamed);
await db.transaction().setIsolationLevel("repeatable read").execute(async (t) => { await t.selectFrom("person").selectAll().forUpdate().skipLocked().execute(); await t.deleteFrom("person").execute(); throw new Error("undone"); }).catch((e) => show("transaction", e.message));
const t = await db.startTransaction().execute(); const s = await t.savepoint("s").execute(); await s.deleteFrom("pet").execute(); await s.rollbackToSavepoint("s").execute(); await t.commit().execute();
show("explain", (await db.selectFrom("person").where("id", "=", 1).selectAll().explain("text")).length > 0);
await db.schema.refreshMaterializedView("counts").execute(); show("count", await db.selectFrom("counts").selectAll().orderBy("species").execute());
await db.insertInto("person").values({ firstName: "x" }).execute().catch((e) => show("check", [e.code, e.constraint]));
show("final", brief(await migrator.migrateDown()));
await db.destroy();
