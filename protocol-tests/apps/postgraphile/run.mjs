// A schema with relations, functions, computed columns, enums, composite types and a view: introspection, the GraphQL
// schema that is made of it, queries with filters and pages, mutations, errors, roles.
import { createRequire } from "node:module";
import pg from "pg";
const require = createRequire(import.meta.url);
const { createPostGraphileSchema, withPostGraphileContext } = require("postgraphile");
const { graphql, printSchema } = require(require.resolve("graphql", { paths: [require.resolve("postgraphile")] }));
const pool = new pg.Pool({ connectionString: process.argv[2], max: 4 });
await pool.query(`
create schema app; create schema hidden; create role reader_pg; grant usage on schema app to reader_pg;
create type app.mood as enum ('HAPPY', 'sad-ish'); create type app.place as (street text, nr int); create domain app.email as text check (value like '%@%');
create table app.person (id int primary key generated always as identity, name text not null, email app.email unique, mood app.mood default 'HAPPY', home app.place, tags text[], data jsonb, born date, wait interval, span int4range, money numeric(10, 2), created_at timestamptz not null default now());
comment on table app.person is 'Somebody.'; comment on column app.person.name is 'What they are called.'; comment on column app.person.data is E'@omit create,update\\nAnything.';
create table app.post (id bigserial primary key, author_id int not null references app.person on delete cascade, title text not null, body text, unique (author_id, title)); create index on app.post (author_id);
create table app.friendship (a int references app.person, b int references app.person, since date default '2020-01-01', primary key (a, b));
create view app.titles as select p.id, p.title, a.name as author from app.post p join app.person a on a.id = p.author_id; comment on view app.titles is E'@primaryKey id\\n@foreignKey (id) references app.post (id)';
create table hidden.secret (id int primary key);
create function app.person_full_name(p app.person, loud boolean default false) returns text language sql stable as $$ select case when loud then upper(p.name) else p.name end $$;
create function app.person_friends(p app.person) returns setof app.person language sql stable as $$ select o.* from app.person o join app.friendship f on f.b = o.id where f.a = p.id order by o.id $$;
create function app.search(term text, variadic_ int[] default '{}') returns setof app.post language sql stable as $$ select * from app.post where title ilike '%' || term || '%' order by id $$;
create function app.register(name text, email text, out person app.person, out n int) language plpgsql as $$ begin insert into app.person (name, email) values (register.name, register.email) returning * into person; n := 1; end $$;
create function app.add(a int, b int) returns int language sql immutable strict as 'select a + b'; create function app.boom() returns void language plpgsql as $$ begin raise exception 'no %', 'way' using errcode = 'P1234', detail = 'd', hint = 'h'; end $$;
grant select on app.person, app.post to reader_pg;`);
const schema = await createPostGraphileSchema(pool, ["app"], { dynamicJson: true, setofFunctionsContainNulls: false, legacyRelations: "omit", simpleCollections: "both", graphileBuildOptions: { pgOmitListSuffix: false } });
console.log(printSchema(schema).split("\n").filter((l) => !/^\s*("""|$)/.test(l)).join("\n"));
const ask = async (query, variableValues, settings = {}) => {
  const result = await withPostGraphileContext({ pgPool: pool, ...settings }, (contextValue) => graphql({ schema, source: query, contextValue, variableValues }));
  console.log(JSON.stringify(result, (k, v) => (/At$|ursor/.test(k) && v ? "*" : k === "errors" ? v.map((e) => [e.message, e.originalError?.code]) : v)));
};
for (const [name, email] of [["Ann", "ann@x"], ["Bob", "bob@x"], ["Cy", "cy@x"]]) await ask(`mutation ($n: String!, $e: String!) { register(input: { name: $n, email: $e }) { result { n person { id name mood home { street } createdAt } } } }`, { n: name, e: email });
await ask(`mutation { a: createPost(input: { post: { authorId: 1, title: "one", body: "text" } }) { post { id nodeId personByAuthorId { name } } query { allPosts { totalCount } } } b: createPost(input: { post: { authorId: 1, title: "two" } }) { post { id } } c: createPost(input: { post: { authorId: 2, title: "one more" } }) { post { id } } }`);
await ask(`mutation ($p: PersonPatch!) { updatePersonById(input: { id: 1, personPatch: $p }) { person { name tags mood home { street nr } wait { days hours } span { start { value inclusive } end { value } } money born } } }`, { p: { tags: ["a", "b,c"], mood: "SAD_ISH", home: { street: "S", nr: 4 }, wait: { days: 1, hours: 2 }, span: { start: { value: 1, inclusive: true }, end: { value: 5, inclusive: false } }, money: "12.50", born: "1990-02-03" } });
await ask(`mutation { createFriendship(input: { friendship: { a: 1, b: 2 } }) { friendship { since personByB { name } } } }`);
await ask(`{ allPeople(orderBy: [NAME_DESC], first: 2) { totalCount pageInfo { hasNextPage endCursor } edges { cursor node { id fullName(loud: true) friends { nodes { name } } postsByAuthorId(condition: { title: "one" }, orderBy: ID_DESC) { totalCount nodes { title body } } friendshipsByA { nodes { since } } } } } }`);
await ask(`{ people: allPeopleList(condition: { mood: HAPPY }) { name } last: allPosts(last: 1, orderBy: [TITLE_ASC, ID_DESC]) { nodes { title } pageInfo { hasPreviousPage } } offset: allPosts(offset: 1) { nodes { id } } one: personByEmail(email: "bob@x") { id } key: postByAuthorIdAndTitle(authorId: 1, title: "two") { id } search(term: "ONE") { nodes { id titleById { author } } } add(a: 2, b: 3) allTitles(first: 5) { nodes { title author postById { id } } } }`);
const { data } = await withPostGraphileContext({ pgPool: pool }, (contextValue) => graphql({ schema, source: "{ allPeople { nodes { nodeId } edges { cursor } } }", contextValue }));
await ask(`query ($c: Cursor, $n: ID!) { allPeople(after: $c, first: 1) { nodes { id } } node(nodeId: $n) { ... on Person { name } } }`, { c: data.allPeople.edges[0].cursor, n: data.allPeople.nodes[2].nodeId });
for (const bad of [`createPerson(input: { person: { name: "x", email: "ann@x" } }) { clientMutationId }`, `createPerson(input: { person: { name: "x", email: "none" } }) { clientMutationId }`, `createPost(input: { post: { authorId: 99, title: "x" } }) { clientMutationId }`, `boom(input: {}) { clientMutationId }`, `deletePostById(input: { id: "77" }) { clientMutationId }`]) await ask(`mutation { ${bad} }`);
await ask(`mutation { createPost(input: { post: { authorId: 1, title: "role" } }) { clientMutationId } }`, {}, { pgDefaultRole: "reader_pg", pgSettings: { "jwt.claims.user_id": "7" } });
await ask(`{ allPosts { totalCount } }`, {}, { pgDefaultRole: "reader_pg" });
await ask(`mutation { deletePersonById(input: { id: 3 }) { deletedPersonId person { name } } }`);
await pool.query("drop owned by reader_pg; drop role reader_pg"); await pool.end();
