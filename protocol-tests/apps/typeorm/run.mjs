// Entities of every kind of column and relation: synchronize, an empty second diff, migrations made from a changed
// entity and undone, repositories, the query builder, trees, views, soft deletion, transactions.
import "reflect-metadata";
import typeorm from "typeorm";
const { DataSource, EntitySchema, In, Like, Between, IsNull, Not, ArrayContains, Raw, QueryFailedError, ViewEntity } = typeorm;
const show = (what, value) => console.log(what, JSON.stringify(value, (k, v) => (/At$|^key$/.test(k) && v ? "*" : v)));

const user = (extra = {}) => new EntitySchema({
  name: "User", tableName: "users", comment: "who writes",
  columns: {
    id: { type: Number, primary: true, generated: true }, key: { type: "uuid", generated: "uuid" }, name: { type: String, length: 80 },
    email: { type: "varchar", unique: true, nullable: true }, role: { type: "enum", enum: ["admin", "editor", "ghost"], default: "ghost" },
    roles: { type: "enum", enum: ["admin", "editor", "ghost"], array: true, default: [] }, tags: { type: "text", array: true, nullable: true }, list: { type: "simple-array", nullable: true },
    data: { type: "jsonb", default: {}, nullable: true }, money: { type: "numeric", precision: 10, scale: 2, default: 0 }, born: { type: "date", nullable: true }, span: { type: "int4range", nullable: true },
    ip: { type: "inet", nullable: true }, wait: { type: "interval", nullable: true }, at: { type: "time with time zone", nullable: true }, photo: { type: "bytea", nullable: true }, place: { type: "point", nullable: true },
    bits: { type: "bit", length: 4, nullable: true }, full: { type: "varchar", nullable: true, asExpression: `upper("name")`, generatedType: "STORED" },
    createdAt: { type: "timestamptz", createDate: true }, updatedAt: { type: "timestamp", updateDate: true, precision: 3 }, deletedAt: { type: "timestamptz", deleteDate: true }, version: { type: "int", version: true }, ...extra,
  },
  relations: { posts: { type: "one-to-many", target: "Post", inverseSide: "author", cascade: true }, profile: { type: "one-to-one", target: "Profile", joinColumn: true, cascade: true, onDelete: "SET NULL", nullable: true } },
  indices: [{ name: "by_role", columns: ["role", "name"], where: `"money" > 0` }], uniques: [{ name: "one_key", columns: ["key"], deferrable: "INITIALLY DEFERRED" }], checks: [{ name: "rich", expression: `"money" >= 0` }],
});
const others = [
  new EntitySchema({ name: "Profile", schema: "more", columns: { id: { type: "int", primary: true, generated: "identity", generatedIdentity: "ALWAYS" }, bio: { type: "text", default: () => "'none'" } } }),
  new EntitySchema({ name: "Post", columns: { id: { type: "bigint", primary: true, generated: "increment" }, title: { type: "varchar", length: 100, collation: "C", comment: "it's short" }, views: { type: "int", default: 0 } }, relations: { author: { type: "many-to-one", target: "User", inverseSide: "posts", onDelete: "CASCADE", nullable: false, joinColumn: { name: "author_id" } }, tags: { type: "many-to-many", target: "Tag", joinTable: true, cascade: true } }, indices: [{ columns: ["title"], unique: true }, { columns: ["author"] }] }),
  new EntitySchema({ name: "Tag", columns: { name: { type: "varchar", primary: true } } }),
];
class Node {}
typeorm.PrimaryGeneratedColumn()(Node.prototype, "id"); typeorm.Column({ type: "varchar" })(Node.prototype, "name");
typeorm.TreeParent()(Node.prototype, "parent"); typeorm.TreeChildren()(Node.prototype, "children"); typeorm.Tree("closure-table")(Node); typeorm.Entity()(Node);
class Writers {}
ViewEntity({ expression: (source) => source.createQueryBuilder().select("u.id", "id").addSelect("count(p.id)", "n").from("users", "u").leftJoin("post", "p", "p.author_id = u.id").groupBy("u.id") })(Writers);
typeorm.ViewColumn()(Writers.prototype, "id"); typeorm.ViewColumn()(Writers.prototype, "n");
const migrations = [];
const source = (entities, more = {}) => new DataSource({ type: "postgres", url: process.argv[2], entities: [...entities, ...others, Node, Writers], uuidExtension: "pgcrypto", installExtensions: true, migrations, migrationsTransactionMode: "each", ...more });

const first = await source([user()]).initialize();
await first.query("create schema more");
await first.synchronize();
const diff = async (db) => { const log = await db.driver.createSchemaBuilder().log(); return log.upQueries.map((q) => q.query); };
show("second diff", await diff(first));
const manager = first.manager;
const ann = await manager.save("User", { name: "Ann", email: "ann@x", role: "admin", roles: ["admin", "editor"], tags: ["a", "b c"], list: ["x", "y"], data: { a: [1, { b: null }] }, money: 12.5, born: "1990-02-03", span: "[1,5)", ip: "10.0.0.1", wait: "1 day 02:00:00", at: "10:00:00+02", photo: Buffer.from([1, 2, 0]), place: "(1,2.5)", bits: "1010", profile: { bio: "b" }, posts: [{ title: "one", tags: [{ name: "t1" }, { name: "t2" }] }, { title: "two" }] });
await manager.save("User", Array.from({ length: 30 }, (_, i) => ({ name: `u${i}`, email: `u${i}@x`, money: i })), { chunk: 7 });
const users = manager.getRepository("User"), posts = manager.getRepository("Post");
show("find", await users.findOne({ where: { posts: { tags: { name: "t1" } } }, relations: { posts: { tags: true }, profile: true }, order: { posts: { title: "DESC" } } }));
show("page", await users.findAndCount({ where: [{ name: Like("u1%"), money: Between(10, 15) }, { id: In([1]), email: Not(IsNull()), tags: ArrayContains(["a"]) }], relations: { posts: true }, order: { id: "DESC" }, take: 3, skip: 1, select: { id: true, name: true, posts: { id: true } } }));
show("raw", await users.countBy({ money: Raw((a) => `${a} % 2 = :two`, { two: 0 }) }));
const q = users.createQueryBuilder("u");
show("builder", await q.clone().leftJoinAndSelect("u.posts", "p").where("u.id in " + q.subQuery().select("p2.author_id").from("Post", "p2").getQuery()).andWhere("u.data ->> 'a' is not null").select(["u.id", "p.title"]).orderBy("p.id").getMany());
show("groups", await q.clone().select("u.role", "role").addSelect("sum(u.money)", "sum").groupBy("u.role").having("count(*) > 1").orderBy("sum", "DESC", "NULLS LAST").getRawMany());
show("cte", await first.createQueryBuilder().addCommonTableExpression("select 1 as n", "c").select("c.n", "n").from("c", "c").getRawOne());
show("distinct on", await q.clone().distinctOn(["u.role"]).orderBy("u.role").addOrderBy("u.id", "DESC").select(["u.role", "u.id"]).getRawMany());
show("upsert", (await users.upsert([{ email: "u1@x", name: "U1" }, { email: "new@x", name: "New" }], { conflictPaths: ["email"], skipUpdateIfNoValuesChanged: true })).identifiers);
show("update", (await q.clone().update().set({ money: () => "money + 1" }).where("id < 4").returning(["id", "money"]).execute()).raw);
show("increment", (await posts.increment({ title: "one" }, "views", 5)).affected);
show("lazy", (await posts.createQueryBuilder().relation("tags").of(1).loadMany()).map((t) => t.name).sort());
await posts.createQueryBuilder().relation("tags").of(1).remove("t1");
await users.softRemove(ann.posts ? await users.findOneBy({ id: 1 }) : ann); show("soft", [await users.countBy({ id: 1 }), await users.count({ withDeleted: true })]); await users.restore(1);
for (const bad of [{ name: "d", email: "u1@x" }, { name: "e", role: "nobody" }, { name: "f", money: -1 }, { name: null }]) await users.insert(bad).catch((e) => show("refused", [e instanceof QueryFailedError, e.code, e.constraint, e.detail?.slice(0, 22), e.message]));
await first.transaction("SERIALIZABLE", async (m) => { await m.delete("Tag", {}); await m.transaction(async (n) => { await n.insert("Tag", { name: "z" }); throw new Error("x"); }).catch(() => 0); throw new Error("undone"); }).catch((e) => show("transaction", e.message));
show("locked", (await first.transaction((m) => m.findOne("User", { where: { id: 2 }, lock: { mode: "for_no_key_update", onLocked: "skip_locked" } }))).name);
show("tree", await (async () => { const t = manager.getTreeRepository(Node); const a = await t.save({ name: "a" }); const b = await t.save({ name: "b", parent: a }); await t.save({ name: "c", parent: b }); return [await t.findTrees(), await t.countDescendants(a), (await t.findAncestors(b)).length]; })());
show("view", await manager.find("Writers", { where: { id: 1 } }));
let n = 0; for await (const _ of await q.clone().stream().catch(() => [])) n++; show("stream", n);
await first.destroy();

const changed = user({ email: { type: "varchar", length: 200, nullable: true }, role: { type: "enum", enum: ["admin", "writer", "ghost"], default: "ghost" }, money: { type: "numeric", precision: 12, scale: 3, default: 1 }, nick: { type: "varchar", length: 20, unique: true, nullable: true }, bits: undefined, born: { type: "timestamptz", nullable: true } });
delete changed.options.columns.bits; changed.options.indices = [{ name: "by_nick", columns: ["nick"], unique: true }]; changed.options.checks = [];
const second = await source([changed]).initialize();
const log = await second.driver.createSchemaBuilder().log();
show("migration", log.upQueries.map((q) => q.query));
migrations.push(class Change1700000000000 { name = "Change1700000000000"; async up(r) { for (const q of log.upQueries) await r.query(q.query, q.parameters); } async down(r) { for (const q of [...log.downQueries].reverse()) await r.query(q.query, q.parameters); } });
await second.destroy();
const third = await source([changed]).initialize();
show("run", (await third.runMigrations()).map((m) => m.name)); show("diff", await diff(third));
await third.undoLastMigration(); show("pending", await third.showMigrations());
await third.runMigrations();
const runner = third.createQueryRunner(); const table = await runner.getTable("users");
show("columns", table.columns.map((c) => [c.name, c.type, c.default, c.isNullable, c.length, c.precision, c.comment, c.enum]).sort()); show("keys", table.foreignKeys.map((k) => [k.columnNames, k.referencedTableName, k.onDelete]));
await runner.renameColumn("users", "name", "called"); await runner.renameTable("users", "people"); await runner.release();
await third.destroy();
