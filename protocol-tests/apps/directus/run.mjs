// Bootstrap with all migrations, the server's REST and GraphQL interfaces over collections with relations, a schema's snapshot
// that finds nothing to apply.
import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";

const free = () => new Promise((found) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address();
    probe.close(() => found(port));
  });
});
const port = await free();
const env = {
  ...process.env, DB_CLIENT: "pg", DB_CONNECTION_STRING: process.argv[2], KEY: "k", SECRET: "s".repeat(32), ADMIN_EMAIL: "a@example.com",
  ADMIN_PASSWORD: "pw", TELEMETRY: "false", HOST: "127.0.0.1", PORT: String(port), LOG_LEVEL: "error", STORAGE_LOCAL_ROOT: ".", RATE_LIMITER_ENABLED: "false",
};
const directus = (...words) => {
  const done = spawnSync("directus", words, { env, encoding: "utf8" });
  console.log(words[0], words[1] ?? "", "ended with", done.status);
  return done.stdout;
};
directus("bootstrap");
spawnSync(process.env.DUMP, { stdio: "inherit" });
const server = spawn("directus", ["start"], { env, stdio: "ignore" });
const url = `http://127.0.0.1:${port}`;
let token;
const ask = async (method, path, body) => {
  const answer = await fetch(url + path, {
    method, headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) }, body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, ...(text ? JSON.parse(text) : {}) };
};
const show = async (method, path, body) => {
  const { status, data, errors, meta } = await ask(method, path, body);
  console.log(method, path, status, JSON.stringify(errors?.map((e) => [e.extensions?.code, e.message]) ?? data ?? null), JSON.stringify(meta ?? null));
  return data;
};
try {
  for (let n = 0; ; n++) {
    try { if ((await fetch(`${url}/server/ping`)).ok) break; } catch (error) { if (n > 600) throw error; }
    await new Promise((next) => setTimeout(next, 200));
  }
  token = (await ask("POST", "/auth/login", { email: "a@example.com", password: "pw" })).data.access_token;
  const field = (name, type, schema = {}, meta = {}) => ({ field: name, type, schema, meta });
  for (const [collection, fields] of [
    ["authors", [field("name", "string", { is_nullable: false }), field("born", "date")]],
    ["books", [
      field("title", "string", { max_length: 60, is_unique: true }), field("price", "decimal", { numeric_precision: 8, numeric_scale: 2 }), field("tags", "json", {}, { special: ["cast-json"] }),
      field("seen", "timestamp"), field("there", "boolean", { default_value: true }), field("text", "text"), field("code", "uuid"), field("pages", "bigInteger"), field("score", "float"),
      field("author", "integer"), field("status", "string", { default_value: "draft" }), field("sort", "integer"),
    ]],
  ]) {
    const id = field("id", "integer", { is_primary_key: true, has_auto_increment: true });
    const made = await ask("POST", "/collections", { collection, schema: {}, meta: { sort_field: null, archive_field: "status" }, fields: [id, ...fields] });
    console.log(collection, made.status, made.errors);
  }
  await show("POST", "/relations", { collection: "books", field: "author", related_collection: "authors", schema: { on_delete: "SET NULL" }, meta: { one_field: "books" } });
  await show("POST", "/fields/authors", { field: "books", type: "alias", meta: { special: ["o2m"] } });
  await show("POST", "/items/authors", [{ name: "Ann", born: "1970-02-03", books: { create: [{ title: "One", price: "10.50", tags: ["a", "b"], pages: "9007199254740993", score: 1.5 }] } }, { name: "Bo" }]);
  await show("POST", "/items/books", [{ title: "Two", price: 3, author: 2, seen: "2024-01-02T03:04:05Z", there: false }, { title: "Thrée %", text: "long ".repeat(40), author: 1, status: "published" }]);
  await show("POST", "/items/books", { title: "One" });
  await show("POST", "/items/books", { title: "x".repeat(61) });
  await show("POST", "/items/authors", { born: "1999-01-01" });
  for (const query of [
    "fields=*.*&sort=-title", "filter[author][name][_contains]=nn&fields=title,author.name", "filter[_or][0][price][_gt]=5&filter[_or][1][seen][_nnull]=true&fields=id",
    "search=thr&fields=id", "aggregate[count]=*&aggregate[sum]=price&groupBy[]=author&sort=author", "filter[year(seen)][_eq]=2024&fields=id,year(seen)", "limit=1&offset=1&meta=*&fields=id&sort=id",
    "filter[title][_icontains]=ONE&fields=id", "filter[tags][_null]=true&fields=id&sort=id", "deep[author][_limit]=1&fields=author.books.title&sort=id",
  ]) await show("GET", `/items/books?${query}`);
  await show("GET", "/items/authors?fields=name,count(books)&sort=id&filter[books][_some][price][_gt]=1");
  await show("POST", "/graphql", { query: "{ books(sort: [\"title\"], filter: { author: { name: { _neq: \"zz\" } } }) { title author { name books { title } } } books_aggregated { count { id } avg { price } } }" });
  await show("PATCH", "/items/books/1", { price: 99.99, tags: { c: 1 } });
  await show("PATCH", "/items/books", { keys: [1, 2], data: { sort: 7 } });
  await show("PATCH", "/fields/books/title", { schema: { max_length: 200, is_nullable: false } });
  await show("POST", "/utils/sort/books", { item: 2, to: 1 });
  await show("GET", "/revisions?aggregate[count]=*&filter[collection][_eq]=books");
  await show("GET", "/activity?aggregate[count]=*&groupBy[]=action&sort=action");
  await show("DELETE", "/fields/books/score");
  await show("DELETE", "/items/authors/1");
  await show("GET", "/items/books?fields=id,author&sort=id");
  await show("GET", "/server/health");
} finally {
  server.kill();
}
directus("schema", "snapshot", "--yes", "snapshot.yaml");
console.log(directus("schema", "apply", "--yes", "snapshot.yaml").split("\n").filter((line) => /No changes|Applied|difference/.test(line)).join());
