// Migrations up and down, the schema builder, the query builder, streams; Objection's models, relations and graphs on top.
import { execSync } from "node:child_process";
import knex from "knex";
import { Model, raw } from "objection";

const migrations = {
  "01_people": {
    up: (k) => k.schema.createTable("people", (t) => {
      t.increments(); t.string("name", 60).notNullable().index(); t.enu("role", ["admin", "user"], { useNative: true, enumName: "role" }).defaultTo("user");
      t.jsonb("data").defaultTo("{}"); t.specificType("tags", "text[]"); t.uuid("key").defaultTo(k.fn.uuid()); t.timestamps(true, true);
      t.decimal("wage", 12, 3).checkPositive(); t.comment("those we know"); t.integer("boss_id").references("people.id").onDelete("SET NULL").comment("who says");
      t.enu("mood", ["ok", "bad"]); t.unique(["name", "role"], { indexName: "one_name", deferrable: "deferred" });
    }),
    down: (k) => k.schema.dropTable("people").raw("drop type role"),
  },
  "02_pets": {
    up: async (k) => {
      await k.schema.createSchema("zoo");
      await k.schema.withSchema("zoo").createTable("pets", (t) => {
        t.bigIncrements("id"); t.integer("owner_id").notNullable().references("id").inTable("public.people").onDelete("CASCADE").withKeyName("owned");
        t.string("name").collate("C"); t.date("born"); t.binary("photo"); t.index(["born"], "by_birth", { predicate: k.whereNotNull("born"), storageEngineIndexType: "hash" });
        t.unique([k.raw("lower(name)")]);
      }).catch((e) => console.log("refused", e.message.split(" - ").pop()));
      await k.schema.withSchema("zoo").hasTable("pets").then(async (has) => has || k.schema.withSchema("zoo").createTable("pets", (t) => {
        t.bigIncrements("id"); t.integer("owner_id").notNullable().references("id").inTable("public.people").onDelete("CASCADE"); t.string("name"); t.date("born"); t.binary("photo");
      }));
      await k.schema.createView("grown", (v) => { v.columns(["id", "label"]); v.as(k("people").select("id", k.raw("upper(role::text)"))); });
      await k.schema.createMaterializedView("counts", (v) => { v.as(k("people").count("* as n")); });
    },
    down: (k) => k.schema.dropMaterializedView("counts").dropView("grown").raw("drop schema zoo cascade"),
    config: { transaction: false },
  },
  "03_alter": {
    up: (k) => k.schema.alterTable("people", (t) => {
      t.string("email").unique(); t.renameColumn("wage", "pay"); t.dropColumn("mood"); t.text("name").notNullable().alter(); t.setNullable("data"); t.timestamp("seen").defaultTo(k.fn.now(3));
    }),
    down: (k) => k.schema.alterTable("people", (t) => { t.dropColumns("email", "seen"); t.renameColumn("pay", "wage"); t.string("name", 60).notNullable().alter(); t.dropNullable("data"); t.enu("mood", ["ok", "bad"]); }),
  },
};
const db = knex({ client: "pg", connection: process.argv[2], pool: { min: 0, max: 4 }, migrations: { migrationSource: { getMigrations: async () => Object.keys(migrations), getMigrationName: (m) => m, getMigration: (m) => migrations[m] } } });
const show = (what, value) => console.log(what, JSON.stringify(value, (k, v) => (/_at$|_time$|^seen$|^key$/.test(k) ? "*" : v)));
const dump = (what) => console.log(what, execSync(process.env.DUMP).toString());

show("up", await db.migrate.up()); show("latest", await db.migrate.latest()); show("list", await db.migrate.list());
dump("up");
show("rollback", await db.migrate.rollback({}, true)); dump("down"); show("again", await db.migrate.latest());

const [ann] = await db("people").insert({ name: "Ann", role: "admin", data: { a: { b: [1, 2] } }, tags: ["x", "y z"], pay: "10.500" }, ["id", "data", "tags", "pay", "key"]);
show("insert", ann);
await db.batchInsert("people", Array.from({ length: 250 }, (_, i) => ({ name: `p${i}`, boss_id: ann.id, pay: i + 1, email: `p${i}@x` })), 100);
show("conflict", await db("people").insert({ name: "p0", email: "p0@x", pay: 7 }).onConflict("email").merge(["pay"]).returning(["id", "pay"]));
show("ignored", (await db("people").insert({ name: "p0", email: "p0@x" }).onConflict("email").ignore()).rowCount);
show("where", await db("people").where("name", "like", "p1%").andWhere((q) => q.whereBetween("pay", [11, 13]).orWhereIn("id", [12, 13])).whereNot("role", "admin").orderBy([{ column: "pay", order: "desc", nulls: "last" }]).limit(3).select("name", "pay"));
show("json", await db("people").jsonExtract("data", "$.a.b[1]", "second").whereJsonPath("data", "$.a.b[0]", "=", 1).whereJsonSupersetOf("data", { a: {} }));
show("with", await db.withRecursive("chain", (q) => q.select("id", "boss_id").from("people").where("id", 3).unionAll((u) => u.select("p.id", "p.boss_id").from("people as p").join("chain as c", "c.boss_id", "p.id"))).from("chain").select("id"));
show("window", await db("people").select("id").rank("r", (o) => o.orderBy("pay", "desc").partitionBy("role")).rowNumber("n", "id").where("id", "<", 4).orderBy("id"));
show("lateral", await db("people as p").joinRaw("cross join lateral (select count(*)::int n from people q where q.boss_id = p.id) c").select("p.id", "c.n").distinctOn("c.n").orderBy("c.n"));
show("sets", await db("people").where("id", "<", 5).select("id").except(db("people").where("id", 2).select("id")).orderBy("id"));
show("sum", await db("people").sum("pay as s").avg("pay as a").countDistinct("role as c").groupByRaw("grouping sets ((), (role))").havingRaw("count(*) > 0").orderByRaw("2 nulls first"));
show("update", await db("people").where({ id: 4 }).update({ data: db.jsonSet("data", "$.x", 5), pay: db.raw("?? * 2", ["pay"]) }, ["data", "pay"]));
show("first", await db("people").where({ id: 4 }).increment("pay", 5).returning("pay"));
await db.transaction(async (t) => {
  await t("people").where({ id: 1 }).forUpdate().noWait().first();
  await t.transaction((s) => s("people").insert({ name: null })).catch((e) => show("savepoint", [e.code, e.column, e.table]));
  show("timeout", await t.raw("select pg_sleep(3)").timeout(300, { cancel: true }).catch((e) => e.message.split("\n")[0]));
}).catch((e) => show("ended", e.message));
let streamed = 0;
for await (const row of db("people").select("id").orderBy("id").stream?.() ?? []) streamed += row.id;
show("streamed", streamed);
show("columns", await db("people").columnInfo()); show("has", [await db.schema.hasTable("people"), await db.schema.hasColumn("people", "email")]);
await db.schema.refreshMaterializedView("counts"); show("view", [await db("counts"), await db("grown").where("id", 1)]);

Model.knex(db);
class Pet extends Model { static tableName = "zoo.pets"; static relationMappings = () => ({ owner: { relation: Model.BelongsToOneRelation, modelClass: Person, join: { from: "zoo.pets.owner_id", to: "people.id" } } }); }
class Person extends Model {
  static tableName = "people";
  static jsonAttributes = ["data"];
  static relationMappings = () => ({ pets: { relation: Model.HasManyRelation, modelClass: Pet, join: { from: "people.id", to: "zoo.pets.owner_id" } }, boss: { relation: Model.BelongsToOneRelation, modelClass: Person, join: { from: "people.boss_id", to: "people.id" } } });
}
show("graph", await Person.query().insertGraph({ name: "Bob", pets: [{ name: "Rex", born: "2020-01-02" }, { name: "Tom" }], boss: { "#dbRef": ann.id } }, { allowRefs: true }));
const bob = await Person.query().findOne({ name: "Bob" }).withGraphFetched("[pets(byName), boss]").modifiers({ byName: (q) => q.orderBy("name") });
show("fetched", bob.pets.map((p) => [p.name, p.born && p.born.toISOString()]));
show("joined", await Person.query().withGraphJoined("[pets.owner, boss]").where("people.name", "Bob").where("pets.name", "Rex").select("people.name"));
show("upsert", (await Person.query().upsertGraphAndFetch({ id: bob.id, name: "Bobby", pets: [{ id: bob.pets[0].id, name: "Max" }] })).pets.map((p) => p.name));
show("exists", await Person.query().whereExists(Person.relatedQuery("pets").where("name", "Max")).select("name", Person.relatedQuery("pets").count().as("n"), raw("coalesce(??, 0)", "pay").as("pay")));
show("page", (await Person.query().where("data", "@>", "{}").page(2, 3)).total);
show("patch", await bob.$query().patchAndFetch({ "data:inner": { z: 1 } }).then((p) => p.data).catch((e) => e.message));
show("unique", await Person.query().insert({ name: "d", email: "p1@x" }).catch((e) => [e.name, e.constraint, e.columns]));
await db.destroy();
