// The schema generator, an empty diff after it, a changed schema and migrations of it; then the unit of work.
import { execSync } from "node:child_process";
import { Collection, EntitySchema, MikroORM, LockMode, sql } from "@mikro-orm/postgresql";
import { Migrator } from "@mikro-orm/migrations";
const show = (what, value) => console.log(what, JSON.stringify(value, (k, v) => (typeof v === "string" ? v.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "UUID").replace(/20\d\d-[^,]*/, "TIME") : typeof v === "bigint" ? `${v}n` : /At$|^key$/.test(k) && v ? "*" : v)));
const author = (extra = {}) => new EntitySchema({
  name: "Author", comment: "who writes", indexes: [{ properties: ["name", "born"], name: "by_name" }, { name: "lower_name", expression: "create index lower_name on author (lower(name) desc nulls last)" }], uniques: [{ properties: ["email"], deferMode: "deferred" }], checks: [{ name: "rich", expression: "money >= 0" }],
  properties: {
    id: { type: "number", primary: true, autoincrement: true }, key: { type: "uuid", defaultRaw: "gen_random_uuid()" }, name: { type: "string", length: 60, comment: "it's called" }, email: { type: "string", nullable: true }, role: { enum: true, items: ["admin", "user"], default: "user", nativeEnumName: "role_kind" }, mood: { enum: true, items: ["ok", "bad"], nullable: true }, many: { type: "string[]", enum: true, array: true, items: ["a", "b"], nullable: true },
    tags: { type: "string[]", nullable: true }, data: { type: "json", nullable: true }, money: { type: "decimal", precision: 10, scale: 2, default: "0" }, born: { type: "date", nullable: true }, big: { type: "bigint", nullable: true }, ok: { type: "boolean", default: true }, photo: { type: "blob", nullable: true }, ratio: { type: "double", nullable: true }, wait: { type: "interval", nullable: true },
    upper: { type: "string", generated: "(upper(name)) stored", columnType: "text", nullable: true }, createdAt: { type: "datetime", length: 3, defaultRaw: "now()" }, version: { type: "number", version: true },
    books: { kind: "1:m", entity: "Book", mappedBy: "author", orphanRemoval: true }, friends: { kind: "m:n", entity: "Author" }, boss: { kind: "m:1", entity: "Author", nullable: true, deleteRule: "set null" }, ...extra,
  },
});
const others = [
  new EntitySchema({ name: "Book", schema: "more", properties: { id: { type: "uuid", primary: true, defaultRaw: "gen_random_uuid()" }, title: { type: "text" }, pages: { type: "smallint", default: 1 }, author: { kind: "m:1", entity: "Author", deleteRule: "cascade", updateRule: "cascade" }, tags: { kind: "m:n", entity: "Tag", pivotTable: "book_tags", fixedOrder: true, owner: true } } }),
  new EntitySchema({ name: "Tag", properties: { name: { type: "string", primary: true }, kind: { type: "string", primary: true }, books: { kind: "m:n", entity: "Book", mappedBy: "tags" } } }),
  new EntitySchema({ name: "Animal", abstract: true, discriminatorColumn: "type", discriminatorMap: { dog: "Dog", cat: "Cat" }, properties: { id: { type: "number", primary: true }, type: { enum: true, items: ["dog", "cat"] } } }),
  new EntitySchema({ name: "Dog", extends: "Animal", properties: { barks: { type: "boolean", nullable: true } } }), new EntitySchema({ name: "Cat", extends: "Animal", properties: { lives: { type: "number", nullable: true } } }),
  new EntitySchema({ name: "Writers", expression: "select a.id, count(b.id)::int n from author a left join more.book b on b.author_id = a.id group by a.id", properties: { id: { type: "number" }, n: { type: "number" } } }),
];
const list = []; // The migrations.
const open = (entities) => MikroORM.init({ clientUrl: process.argv[2], entities: [...entities, ...others], discovery: { warnWhenNoEntities: false }, extensions: [Migrator], migrations: { migrationsList: list, snapshot: false }, loadStrategy: "joined", logger: () => {} });
const first = await open([author()]); const generator = first.schema;
await generator.ensureDatabase(); await generator.createSchema();
show("diff", await generator.getUpdateSchemaSQL()); console.log(execSync(process.env.DUMP).toString());
const em = first.em.fork();
const ann = em.create("Author", { name: "Ann", email: "ann@x", tags: ["a", "b,c"], data: { x: [1, { y: null }] }, money: "12.50", born: "1990-02-03", big: 9007199254740993n, photo: Buffer.from([0, 255]), ratio: 0.1, mood: "ok", many: ["a", "b"], wait: "1 day", role: "admin" });
em.create("Book", { title: "one", author: ann, tags: [em.create("Tag", { name: "t", kind: "k" }), em.create("Tag", { name: "u", kind: "k" })] }); em.create("Book", { title: "two", pages: 5, author: ann });
for (let i = 0; i < 20; i++) em.create("Author", { name: `u${i}`, email: `u${i}@x`, money: String(i), boss: ann, friends: [ann] });
em.create("Dog", { barks: true }); em.create("Cat", { lives: 7 }); await em.flush(); em.clear();
show("joined", await em.find("Author", { books: { tags: { name: "t" } } }, { populate: ["books.tags", "boss"], orderBy: { books: { title: "desc" } } }));
show("select-in", (await em.fork().find("Author", { $or: [{ name: { $like: "u1%" }, money: { $gt: 11 } }, { tags: { $contains: ["a"] } }, { data: { x: { $exists: false } } }], email: { $ne: null } }, { populate: ["friends"], strategy: "select-in", orderBy: { id: -1 }, limit: 3, fields: ["id", "name", "friends.name"] })).map((a) => [a.id, a.name, a.friends.getItems().map((f) => f.name)]));
show("page", await em.fork().findAndCount("Author", { boss: { name: "Ann" } }, { limit: 2, offset: 3, orderBy: { id: 1 }, fields: ["name"] }));
show("cursor", (await em.fork().findByCursor("Author", {}, { first: 2, orderBy: { money: "desc", id: "asc" } })).totalCount);
const one = await em.findOneOrFail("Author", { name: "u3" }, { populate: ["friends"] }); one.name = "changed"; one.friends.removeAll(); one.money = "3.5"; await em.flush(); show("changed", [one.version, one.money, one.upper]);
show("builder", await em.createQueryBuilder("Author", "a").select(["a.role", sql`count(*)::int`.as("n"), sql`sum(a.money)`.as("s")]).leftJoin("a.books", "b").groupBy("a.role").having("count(*) > 0").orderBy({ "a.role": "asc" }).execute());
show("upsert", await em.fork().upsertMany("Tag", [{ name: "t", kind: "k" }, { name: "v", kind: "k" }]).then((t) => t.length)); show("native", [await em.nativeUpdate("Author", { money: { $gte: 15 } }, { mood: "bad" }), await em.nativeDelete("Tag", { name: "v" })]);
show("lock", (await em.transactional((t) => t.findOne("Author", 2, { lockMode: LockMode.PESSIMISTIC_PARTIAL_WRITE }))).name); show("virtual", await em.find("Writers", { n: { $gt: 0 } })); show("sti", (await em.find("Animal", {}, { orderBy: { id: 1 } })).map((a) => a.type));
await em.transactional(async (t) => { await t.nativeDelete("Book", {}); await t.transactional(async (n) => { n.create("Tag", { name: "in", kind: "x" }); await n.flush(); throw new Error("inner"); }).catch(() => 0); throw new Error("undone"); }, { isolationLevel: "serializable" }).catch((e) => show("transaction", e.message));
for (const bad of [{ name: "d", email: "u1@x" }, { name: "e", money: "-1" }, { name: "f", mood: "odd" }, { name: "g", boss: 99 }, { name: "x".repeat(70) }]) await first.em.fork().insert("Author", bad).catch((e) => show("refused", [e.name, e.code, e.message.split(" - ").pop()]));
await first.close();

const second = await open([author({ money: { type: "decimal", precision: 12, scale: 3, nullable: true }, nick: { type: "string", default: "x y" }, mood: { enum: true, items: ["ok", "bad", "odd"], nullable: true }, ratio: { type: "double", nullable: true, default: 1.5 } })]);
const { up, down } = await second.schema.getUpdateSchemaMigrationSQL().then((m) => ({ up: m.up, down: m.down })); console.log(up, down);
const { Migration } = await import("@mikro-orm/migrations");
const lines = (text) => text.split("\n").filter((l) => l && !/^set /.test(l));
list.push({ name: "M1", class: class M1 extends Migration { up() { lines(up).forEach((l) => this.addSql(l)); } down() { lines(down).forEach((l) => this.addSql(l)); } } });
show("up", (await second.migrator.up()).map((m) => m.name)); console.log(execSync(process.env.DUMP).toString()); show("left", lines(await second.schema.getUpdateSchemaSQL()));
show("down", (await second.migrator.down()).map((m) => m.name)); show("pending", (await second.migrator.getPendingMigrations()).length);
await second.schema.dropSchema(); show("dropped", (await second.em.execute("select count(*)::int n from pg_class where relnamespace in ('public'::regnamespace, 'more'::regnamespace)"))); await second.close();
