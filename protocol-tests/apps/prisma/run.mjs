// The schema engine (compiled to WebAssembly, so that nothing is fetched; on PostgreSQL, too, it cannot read types "char"
// so, which db push and db pull need): migrate diff, reset, deploy and status; then the client: relations, nested writes,
// transactions, aggregates, raw queries.
import { execFileSync, execSync } from "node:child_process";
import { createRequire } from "node:module";
import { mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
const url = process.argv[2];
// The client is generated into node_modules: into one of our own.
const packages = readlinkSync("node_modules"); rmSync("node_modules"); execSync(`cp -r ${packages} node_modules`);
const env = { ...process.env, URL: url, PRISMA_QUERY_ENGINE_LIBRARY: "/bin/true", PRISMA_SCHEMA_ENGINE_BINARY: "/bin/true", CHECKPOINT_DISABLE: "1", PRISMA_HIDE_UPDATE_MESSAGE: "1" };
const show = (what, value) => console.log(what, JSON.stringify(value, (k, v) => (typeof v === "bigint" ? `${v}n` : /At$|^key$/.test(k) && v ? "*" : v)));
const prisma = (...args) => { try { return execFileSync("node", ["node_modules/prisma/build/index.js", ...args], { env, stdio: ["ignore", "pipe", "pipe"] }).toString().replace(/in \d+ms/g, "").replace(/^(Loaded|Prisma config|WARNING|- url|The values|We recomm).*\n/gm, "").replace(/\n+/g, "\n"); } catch (e) { return `failed: ${e.stderr}${e.stdout}`; } };
const schema = (second) => `
generator client {
  provider = "prisma-client-js"
  engineType = "client"
  previewFeatures = ["relationJoins", "views", "fullTextSearchPostgres"]
}
datasource db {
  provider = "postgresql"
  url = env("URL")
}
enum Role {
  ADMIN
  USER ${second ? "\n  GUEST" : ""}
  @@map("role kind")
}
model User {
  id Int @id @default(autoincrement())
  key String @unique @default(uuid()) @db.Uuid
  email String? @unique
  name String @db.VarChar(${second ? 90 : 60})
  role Role @default(USER)
  roles Role[] @default([USER])
  tags String[]
  data Json @default("{\\"a\\": 1}")
  money Decimal @default(0) @db.Decimal(10, 2)
  big BigInt?
  ratio Float @default(1.5)
  photo Bytes?
  born DateTime? @db.Date
  createdAt DateTime @default(now()) @db.Timestamptz(3)
  updatedAt DateTime @updatedAt
  posts Post[]
  profile Profile?
  bossId Int?
  boss User? @relation("boss", fields: [bossId], references: [id])
  staff User[] @relation("boss")
  ${second ? 'nick String @default("it\'s") @map("nick name")' : "old String?"}
  @@index([name(ops: raw("text_pattern_ops")), role(sort: Desc)], map: "by_name")
  @@index([tags], type: Gin)
  @@map("users")
}
model Profile {
  userId Int @id
  user User @relation(fields: [userId], references: [id], onDelete: Cascade)
  bio String @default("")
}
model Post {
  id BigInt @id @default(autoincrement())
  title String
  views Int @default(0) @db.SmallInt
  author User @relation(fields: [authorId], references: [id], onDelete: Restrict, onUpdate: Cascade)
  authorId Int
  tags Tag[]
  @@unique([authorId, title], name: "one", map: "one title")
}
model Tag {
  name String @id
  posts Post[]
}
`;
const write = (second) => writeFileSync("schema.prisma", schema(second));
writeFileSync("prisma.config.mjs", `import { defineConfig } from "prisma/config"; import { PrismaPg } from "@prisma/adapter-pg";
export default defineConfig({ experimental: { adapter: true }, schema: "schema.prisma", migrations: { path: "migrations" }, engine: "js", adapter: async () => new PrismaPg({ connectionString: process.env.URL }) });`);
for (const [n, second] of [["1_first", false], ["2_second", true]]) {
  mkdirSync(`migrations/${n}`, { recursive: true });
  const from = n === "1_first" ? ["--from-empty"] : ["--from-schema-datamodel", "before.prisma"];
  write(second); writeFileSync(`migrations/${n}/migration.sql`, prisma("migrate", "diff", ...from, "--to-schema-datamodel", "schema.prisma", "--script")); writeFileSync("before.prisma", schema(second));
}
writeFileSync("migrations/migration_lock.toml", 'provider = "postgresql"\n'); console.log(readFileSync("migrations/2_second/migration.sql").toString());
console.log(prisma("migrate", "reset", "--force", "--skip-generate", "--skip-seed")); console.log(prisma("migrate", "deploy")); console.log(prisma("migrate", "status"), execSync(process.env.DUMP).toString());
console.log(prisma("generate").split("\n").filter((l) => /rror|Generated/.test(l)).map((l) => l.slice(0, 30)).join("\n"));

const require = createRequire(import.meta.url); const { PrismaClient, Prisma } = require("@prisma/client"); const { PrismaPg } = require("@prisma/adapter-pg");
const db = new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) });
show("create", await db.user.create({ data: { name: "Ann", email: "ann@x", role: "ADMIN", roles: ["ADMIN", "GUEST"], tags: ["a", "b,c"], data: { x: [1, { y: null }] }, money: "12.50", big: 9007199254740993n, photo: Buffer.from([0, 255]), born: new Date("1990-02-03"), profile: { create: { bio: "b" } }, posts: { create: [{ title: "one", tags: { create: [{ name: "t1" }, { name: "t2" }] } }, { title: "two", tags: { connectOrCreate: { where: { name: "t1" }, create: { name: "t1" } } } }] } }, include: { posts: { include: { tags: { orderBy: { name: "asc" } } } }, profile: true } }));
show("many", await db.user.createMany({ data: Array.from({ length: 20 }, (_, i) => ({ name: `u${i}`, email: `u${i}@x`, money: i, bossId: 1 })), skipDuplicates: true }));
for (const relationLoadStrategy of ["join", "query"]) show(relationLoadStrategy, await db.user.findMany({ relationLoadStrategy, where: { OR: [{ posts: { some: { tags: { some: { name: "t2" } } } } }, { name: { startsWith: "U1", mode: "insensitive" }, money: { gte: 10, lt: 12 } }] }, select: { id: true, name: true, money: true, boss: { select: { name: true } }, posts: { where: { views: { lt: 5 } }, orderBy: { id: "desc" }, take: 1, select: { title: true, _count: { select: { tags: true } } } }, _count: { select: { staff: true } } }, orderBy: [{ boss: { name: "asc" } }, { email: { sort: "desc", nulls: "last" } }], take: 4 }));
show("json", await db.user.findMany({ where: { data: { path: ["x", "0"], equals: 1 }, tags: { has: "a" }, roles: { hasEvery: ["GUEST"] }, NOT: { email: null } }, select: { id: true, data: true } }));
show("cursor", await db.user.findMany({ cursor: { id: 5 }, skip: 1, take: -3, orderBy: { id: "asc" }, select: { id: true }, distinct: ["name"] }));
show("group", await db.user.groupBy({ by: ["role"], _count: { _all: true, bossId: true }, _sum: { money: true }, _max: { createdAt: true }, having: { money: { _avg: { gt: 0 } } }, orderBy: { _count: { id: "desc" } } }));
show("aggregate", await db.user.aggregate({ _avg: { money: true, ratio: true }, _min: { name: true }, where: { profile: { is: null } } }));
show("upsert", await db.user.upsert({ where: { email: "u1@x" }, update: { money: { increment: 5 }, tags: { push: "new" }, posts: { upsert: { where: { one: { authorId: 3, title: "z" } }, create: { title: "z" }, update: { views: 1 } } } }, create: { name: "n" }, include: { posts: true } }));
show("nested", await db.post.update({ where: { id: 1n }, data: { views: { multiply: 2 }, tags: { disconnect: { name: "t1" }, set: [{ name: "t2" }] }, author: { update: { name: "Anna" } } }, include: { tags: true, author: { select: { name: true } } } }));
show("update", [await db.user.updateMany({ where: { money: { gt: 15 } }, data: { role: "GUEST" } }), await db.user.updateManyAndReturn({ where: { id: { in: [2, 3] } }, data: { name: "same" }, select: { id: true, name: true } })]);
show("raw", await db.$queryRaw`select ${1}::int n, ${["a"]} as l, ${new Prisma.Decimal("1.50")}::numeric d, now() > ${new Date(0)} as t, array_agg(id order by id) ids from users where id in (${Prisma.join([1, 2])})`);
for (const bad of [() => db.user.create({ data: { name: "x", email: "ann@x" } }), () => db.post.create({ data: { title: "x", authorId: 999 } }), () => db.user.delete({ where: { id: 1 } }), () => db.user.delete({ where: { id: 12345 } }), () => db.user.create({ data: { name: "x".repeat(99) } }), () => db.$executeRaw`select 1/0`]) await bad().catch((e) => show("refused", [e.code, e.meta, e.message.split("\n").pop()]));
await db.$transaction(async (t) => { await t.tag.deleteMany(); await t.$executeRawUnsafe("update users set name = $1", "gone"); throw new Error("undone"); }, { isolationLevel: "Serializable" }).catch((e) => show("transaction", e.message));
show("batch", await db.$transaction([db.tag.count(), db.user.count({ where: { bossId: 1 } }), db.tag.deleteMany({ where: { posts: { none: {} } } })]));
show("delete", await db.user.delete({ where: { id: 4 }, include: { profile: true } }).then((u) => u.name)); await db.$disconnect();
