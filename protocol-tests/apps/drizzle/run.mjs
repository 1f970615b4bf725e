// drizzle-kit: push, push of a changed schema, an empty third one, pull, migrations; then queries with relations by LATERAL.
import { execFileSync, execSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { sql, eq, and, gt, ilike, inArray, arrayContains, count, desc, exists, relations } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import { union, alias } from "drizzle-orm/pg-core";
import pg from "pg";
const url = process.argv[2];
const show = (what, value) => console.log(what, JSON.stringify(value, (k, v) => (/[aA]t$|^key$/.test(k) && v ? "*" : v)));
const schema = (second) => `
import { relations, sql } from "drizzle-orm";
import { pgTable, pgSchema, pgEnum, pgView, pgMaterializedView, pgSequence, serial, bigserial, integer, bigint, smallint, text, varchar, char, numeric, real, doublePrecision, boolean, json, jsonb, uuid, date, time, timestamp, interval, inet, point, primaryKey, foreignKey, unique, uniqueIndex, index, check } from "drizzle-orm/pg-core";
export const more = pgSchema("more");
export const role = pgEnum("Role", ["admin", "user"${second ? ', "guest"' : ""}]);
export const numbers = pgSequence("numbers", { startWith: 10, increment: 5, cache: 3 });
export const users = pgTable("users", {
  id: integer("id").primaryKey().generatedAlwaysAsIdentity({ startWith: 100 }), key: uuid("key").defaultRandom().notNull(), name: varchar("name", { length: ${second ? 80 : 60} }).notNull(), email: text("email").unique("one_email"),
  role: role("role").default("user").notNull(), tags: text("tags").array().default(sql\`'{}'::text[]\`), data: jsonb("data").default({ a: 1 }), money: numeric("money", { precision: 10, scale: 2 }).default("0"), born: date("born"), at: timestamp("at", { withTimezone: true, precision: 3 }).defaultNow(), wait: interval("wait"), ip: inet("ip"), place: point("place"), ok: boolean("ok").default(true), short: char("short", { length: 3 }), r: real("r"), upper: text("upper").generatedAlwaysAs(sql\`upper("name")\`), boss: integer("boss"),${second ? ' nick: text("nick").default("x\'y").notNull(),' : ' old: text("old"),'}
}, (t) => [index("by_name").on(t.name.desc().nullsLast(), t.id), uniqueIndex("lower_email").on(sql\`lower(\${t.email})\`).where(sql\`\${t.email} is not null\`), check("rich", sql\`\${t.money} >= 0\`), foreignKey({ columns: [t.boss], foreignColumns: [t.id], name: "bossy" }).onDelete("set null")${second ? ', index("tags_in").using("gin", t.tags)' : ""}]);
export const posts = more.table("posts", { id: bigserial("id", { mode: "number" }).primaryKey(), title: text("title").notNull(), author: integer("author").notNull().references(() => users.id, { onDelete: "cascade", onUpdate: "cascade" }) });
export const tags = pgTable("tags", { id: serial("id").primaryKey(), name: text("name").notNull() });
export const postTags = pgTable("post_tags", { post: bigint("post", { mode: "number" }).references(() => posts.id), tag: integer("tag").references(() => tags.id), n: smallint("n").default(1) }, (t) => [primaryKey({ columns: [t.post, t.tag] })]);
export const names = pgView("names").as((q) => q.select({ id: users.id, name: users.name }).from(users));
export const usersRelations = relations(users, ({ many, one }) => ({ posts: many(posts), boss: one(users, { fields: [users.boss], references: [users.id], relationName: "boss" }) }));
export const postsRelations = relations(posts, ({ one, many }) => ({ author: one(users, { fields: [posts.author], references: [users.id] }), tags: many(postTags) }));
export const postTagsRelations = relations(postTags, ({ one }) => ({ post: one(posts, { fields: [postTags.post], references: [posts.id] }), tag: one(tags, { fields: [postTags.tag], references: [tags.id] }) }));
`;
const config = (name) => writeFileSync("drizzle.config.json", JSON.stringify({ dialect: "postgresql", schema: `./${name}.mjs`, out: `./${name}`, dbCredentials: { url }, schemaFilter: ["public", "more"] }));
// What it says, without what its progress overwrites.
const kit = (...args) => { try { return execFileSync("drizzle-kit", args, { stdio: ["ignore", "pipe", "pipe"] }).toString().split("\n").map((l) => l.replace(/.*[\r]/g, "").trim()).filter((l) => /Changes|No changes|applied|rror|columns/.test(l) && !/fetch/.test(l)).join("\n"); } catch (e) { return `failed: ${e.stderr} ${e.stdout}`.slice(-900); } };
writeFileSync("first.mjs", schema(false)); writeFileSync("second.mjs", schema(true));
config("first"); console.log(kit("push", "--force")); console.log(execSync(process.env.DUMP).toString());
config("second"); console.log(kit("push", "--force")); console.log(kit("push", "--force"));
console.log(execSync(process.env.DUMP).toString());
config("pulled"); console.log(kit("pull")); for (const file of ["schema", "relations"]) console.log(readFileSync(`pulled/${file}.ts`).toString().split("\n").filter((l) => !/^(import|..\/\/ You can)/.test(l)).sort().join("\n")); // Tables come in no order.
config("second"); console.log(kit("generate", "--name", "all"));

const pool = new pg.Pool({ connectionString: url, max: 4 });
await pool.query("drop schema public cascade; drop schema more cascade; create schema public");
const tables = await import(`${process.cwd()}/second.mjs`);
const db = drizzle(pool, { schema: tables }); const { users, posts, tags, postTags, names } = tables;
await migrate(db, { migrationsFolder: "second" }); await migrate(db, { migrationsFolder: "second" });
show("insert", await db.insert(users).values([{ name: "Ann", email: "Ann@x", tags: ["a", "b c"], data: { a: [1] }, money: "12.50", born: "1990-02-03", wait: "1 day 02:00:00", ip: "10.0.0.1", place: [1, 2], role: "admin", short: "ab" }, { name: "Bob", boss: 100 }]).returning());
await db.insert(posts).values([{ title: "one", author: 100 }, { title: "two", author: 100 }, { title: "three", author: 101 }]); await db.insert(tags).values([{ name: "x" }, { name: "y" }]); await db.insert(postTags).values([{ post: 1, tag: 1 }, { post: 1, tag: 2 }]);
show("relations", await db.query.users.findMany({ columns: { id: true, name: true }, with: { posts: { orderBy: (p, { desc }) => desc(p.id), limit: 2, with: { tags: { columns: {}, with: { tag: true } } }, extras: { loud: sql`upper(title)`.as("loud") } }, boss: { columns: { name: true } } }, orderBy: users.id }));
show("first", await db.query.posts.findFirst({ where: (p, { eq }) => eq(p.title, sql.placeholder("t")), with: { author: true } }).prepare("p1").execute({ t: "three" }));
const boss = alias(users, "b");
show("joins", await db.select({ name: users.name, boss: boss.name, n: count(posts.id), titles: sql`array_agg(${posts.title} order by ${posts.title})` }).from(users).leftJoin(boss, eq(users.boss, boss.id)).innerJoin(posts, eq(posts.author, users.id)).groupBy(users.id, boss.id).having(({ n }) => gt(n, 0)).orderBy(desc(users.id)));
const c = db.$with("c").as(db.select({ author: posts.author, n: count().as("n") }).from(posts).groupBy(posts.author));
show("cte", await db.with(c).select().from(c).where(exists(db.select().from(users).where(eq(users.id, c.author)))).orderBy(c.author));
show("lateral", await db.select({ name: users.name, t: sql`t.title` }).from(users).crossJoinLateral(db.select({ title: posts.title }).from(posts).where(eq(posts.author, users.id)).orderBy(desc(posts.id)).limit(1).as("t")).orderBy(users.id));
show("filters", await db.selectDistinctOn([users.role], { role: users.role, name: users.name }).from(users).where(and(arrayContains(users.tags, ["a"]), ilike(users.email, "ann%"), inArray(users.role, ["admin", "guest"]))).orderBy(users.role));
show("conflict", await db.insert(users).values({ name: "Z", email: "Ann@x" }).onConflictDoUpdate({ target: users.email, set: { name: sql`excluded.name`, money: sql`${users.money} + 1` }, setWhere: sql`${users.ok}` }).returning({ name: users.name, money: users.money }));
show("update from", await db.update(posts).set({ title: sql`${posts.title} || '!'` }).from(users).where(and(eq(users.id, posts.author), eq(users.name, "Bob"))).returning({ title: posts.title, name: users.name }));
show("union", await union(db.select({ n: users.name }).from(users), db.select({ n: tags.name }).from(tags)).orderBy(sql`1`).limit(3)); show("count", [await db.$count(users), await db.select().from(names).orderBy(names.id)]);
await db.transaction(async (t) => { await t.delete(postTags); await t.transaction(async (s) => { await s.insert(tags).values({ name: "in" }); s.rollback(); }).catch(() => 0); await t.select().from(users).for("update", { of: users, skipLocked: true }); t.rollback(); }, { isolationLevel: "repeatable read", accessMode: "read write" }).catch((e) => show("rolled back", e.message));
await db.insert(users).values({ name: "e", money: "-1" }).catch((e) => show("check", [e.cause.code, e.cause.constraint]));
await pool.end();
