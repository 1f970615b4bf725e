// A shop: sync, sync with alter, every kind of association, hooks, scopes, transactions, and what the query interface shows.
import sequelize from "sequelize";
const { Sequelize, DataTypes, Op, fn, col, literal, UniqueConstraintError, ForeignKeyConstraintError, QueryTypes } = sequelize;

const db = new Sequelize(process.argv[2], { logging: false });
const show = (what, value) => console.log(what, JSON.stringify(value, (k, v) => (/At$/.test(k) && v ? "time" : v)));

const Customer = db.define("Customer", {
  name: { type: DataTypes.STRING(80), allowNull: false },
  email: { type: DataTypes.STRING, unique: true, validate: { isEmail: true } },
  kind: { type: DataTypes.ENUM("person", "company"), defaultValue: "person" },
  labels: DataTypes.ARRAY(DataTypes.STRING),
  settings: DataTypes.JSONB,
  key: { type: DataTypes.UUID, defaultValue: "7d444840-9dc0-11d1-b245-5ffdce74fad2" },
  born: DataTypes.DATEONLY,
  span: DataTypes.RANGE(DataTypes.INTEGER),
}, { paranoid: true, comment: "who buys", indexes: [{ fields: ["kind", { name: "name", order: "DESC" }] }, { fields: ["settings"], using: "gin" }, { unique: true, fields: [fn("lower", col("name"))], name: "customers_lower", where: { kind: "company" } }] });
const Order = db.define("Order", {
  total: { type: DataTypes.DECIMAL(10, 2), defaultValue: 0, comment: "with tax" },
  paid: { type: DataTypes.BOOLEAN, defaultValue: false },
  note: DataTypes.TEXT, big: DataTypes.BIGINT, ratio: DataTypes.DOUBLE, file: DataTypes.BLOB,
  placedAt: { type: DataTypes.DATE, defaultValue: DataTypes.NOW },
});
const Product = db.define("Product", { sku: { type: DataTypes.STRING, primaryKey: true }, price: DataTypes.FLOAT });
const Line = db.define("Line", { amount: { type: DataTypes.INTEGER, defaultValue: 1 } }, { timestamps: false });
Customer.hasMany(Order, { as: "orders", foreignKey: { name: "customerId", allowNull: false }, onDelete: "CASCADE" });
Order.belongsTo(Customer, { as: "customer", foreignKey: "customerId" });
Order.belongsToMany(Product, { through: Line, as: "products" });
Product.belongsToMany(Order, { through: Line, as: "orders" });
Customer.hasOne(Customer, { as: "partner", foreignKey: "partnerId" });
Customer.addScope("companies", { where: { kind: "company" } });

await db.authenticate();
await db.sync({ force: true });
await db.sync({ alter: true });
Customer.rawAttributes.kind.type = DataTypes.ENUM("person", "company", "state");
Customer.rawAttributes.phone = { type: DataTypes.STRING(20), allowNull: true, defaultValue: "none", field: "phone", fieldName: "phone", Model: Customer };
Order.rawAttributes.note.type = DataTypes.STRING(500);
Customer.refreshAttributes(); Order.refreshAttributes();
await db.sync({ alter: true });

const ann = await Customer.create({ name: "Ann", email: "ann@example.com", labels: ["a", "b,c", 'q"'], settings: { theme: { dark: true }, n: [1, 2] }, born: "1990-02-03", span: [1, 5] });
const co = await Customer.create({ name: "Acme", email: "co@example.com", kind: "company", partnerId: ann.id });
await Product.bulkCreate([{ sku: "p1", price: 1.5 }, { sku: "p2", price: 2.25 }]);
await Product.bulkCreate([{ sku: "p1", price: 3 }, { sku: "p3", price: 9 }], { updateOnDuplicate: ["price"] });
const order = await ann.createOrder({ total: "12.50", big: "9007199254740993", ratio: 0.1, file: Buffer.from([0, 255]) });
await order.addProducts(["p1", "p3"], { through: { amount: 4 } });
await co.createOrder({ total: "99.99", paid: true });
show("reload", await Order.findByPk(order.id, { include: ["customer", { association: "products", through: { attributes: ["amount"] } }] }));
show("include", await Customer.findAll({ include: [{ association: "orders", where: { total: { [Op.gt]: 10 } }, required: false }, "partner"], order: [["name", "DESC"], [{ model: Order, as: "orders" }, "id"]], limit: 5 }));
show("separate", await Customer.findAll({ attributes: ["id"], include: [{ association: "orders", attributes: ["total", "customerId"], separate: true, limit: 1, order: [["id", "DESC"]] }], order: ["id"] }));
show("json", await Customer.findAll({ attributes: ["name"], where: { settings: { theme: { dark: true } }, labels: { [Op.contains]: ["a"] }, span: { [Op.overlap]: [4, 9] } } }));
show("operators", await Customer.count({ where: { [Op.or]: [{ name: { [Op.iLike]: "an%" } }, { email: { [Op.regexp]: "^co" } }, { id: { [Op.in]: [7] } }, { born: { [Op.between]: ["1990-01-01", "1990-12-31"] } }], kind: { [Op.ne]: "state" } } }));
show("scope", await Customer.scope("companies").findAndCountAll({ attributes: ["name"], limit: 1 }));
show("groups", await Order.findAll({ attributes: ["paid", [fn("count", col("id")), "n"], [fn("sum", col("total")), "sum"]], group: ["paid"], having: literal("count(*) > 0"), order: ["paid"], raw: true }));
show("upsert", (await Product.upsert({ sku: "p2", price: 7 }))[0].price);
show("found", (await Product.findOrCreate({ where: { sku: "p9" }, defaults: { price: 1 } }))[1]);
show("increment", (await order.increment({ total: 1.25 })).total);
show("updated", await Order.update({ note: "late" }, { where: { paid: false }, returning: ["id", "note"] }));
await Customer.create({ name: "x", email: "ann@example.com" }).catch((e) => show("unique", [e instanceof UniqueConstraintError, e.fields, e.message, e.errors[0].path]));
await Order.create({ customerId: 77 }).catch((e) => show("foreign", [e instanceof ForeignKeyConstraintError, e.table, e.index, e.fields]));
await Customer.create({ name: "long", kind: "nobody" }).catch((e) => show("enum", [e.name, e.message]));
await db.transaction({ isolationLevel: "SERIALIZABLE" }, async (transaction) => {
  await Order.findOne({ lock: transaction.LOCK.UPDATE, skipLocked: true, transaction });
  await Product.destroy({ where: {}, truncate: true, cascade: true, transaction });
  throw new Error("rolled back");
}).catch((e) => show("transaction", e.message));
await db.transaction(async (outer) => {
  await Product.create({ sku: "t" }, { transaction: outer });
  await db.transaction({ transaction: outer }, async (transaction) => { await Product.create({ sku: "u" }, { transaction }); throw new Error("inner"); }).catch(() => {});
});
show("products", await Product.findAll({ attributes: ["sku"], order: ["sku"], raw: true }));
await ann.destroy();
show("paranoid", [await Customer.count(), await Customer.count({ paranoid: false })]);
await ann.restore();
const q = db.getQueryInterface();
show("tables", (await q.showAllTables()).map((t) => t.tableName ?? t).sort());
show("describe", [await q.describeTable("Customers"), await q.describeTable("Orders")]);
show("indexes", await q.showIndex("Customers"));
show("keys", await q.getForeignKeyReferencesForTable("Orders"));
show("constraints", (await q.showConstraint("Lines")).map((c) => c.constraintName.replace(/\d{5}/, "OID")));
await q.addColumn("Products", "stock", { type: DataTypes.INTEGER, allowNull: false, defaultValue: 3 });
await q.changeColumn("Products", "stock", { type: DataTypes.BIGINT, allowNull: true, defaultValue: null });
await q.changeColumn("Products", "price", { type: DataTypes.ENUM("low", "high"), defaultValue: "low" }).catch((e) => show("enum column", e.message));
await q.renameColumn("Products", "stock", "in_stock");
await q.addConstraint("Products", { fields: ["in_stock"], type: "check", where: { in_stock: { [Op.gte]: 0 } }, name: "enough" });
await q.addIndex("Products", ["in_stock"], { concurrently: true, name: "products_stock" });
await q.removeConstraint("Products", "enough");
await q.renameTable("Products", "Goods");
await q.createFunction("add", [{ type: "integer", name: "a" }, { type: "integer", name: "b" }], "integer", "plpgsql", "return a + b;", ["IMMUTABLE"]);
show("raw", await db.query("select add(:a, $$1$$::int) as n, :list::text[] as l", { replacements: { a: 2, list: "{x}" }, type: QueryTypes.SELECT }));
show("bind", await db.query("select $1::int + $b as n", { bind: [1] }).catch((e) => e.message));
await q.dropFunction("add", [{ type: "integer" }, { type: "integer" }]);
await q.dropAllEnums().catch((e) => show("enums", e.message));
await db.close();
