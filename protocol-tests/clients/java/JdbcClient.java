import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.postgresql.PGConnection;
import org.postgresql.util.PSQLException;

/** JDBC: types, server-side prepared statements, batches, generated keys, fetch size, COPY, metadata, errors, cancel. */
public final class JdbcClient {
    private static void check(Object want, Object got, String what) {
        if (!Objects.equals(want, got)) {
            throw new AssertionError(what + ": want " + want + ", got " + got);
        }
    }

    private interface Body {
        void run() throws Exception;
    }

    private static PSQLException fails(String state, Body body) throws Exception {
        try {
            body.run();
        } catch (PSQLException error) {
            check(state, error.getSQLState(), error.getMessage());
            return error;
        }
        throw new AssertionError("no error " + state);
    }

    public static void main(String[] args) throws Exception {
        String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
        String user = System.getenv("PGUSER");
        String password = Objects.requireNonNullElse(System.getenv("PGPASSWORD"), "");
        try (Connection c = DriverManager.getConnection(url, user, password)) {
            types(c);
            prepared(c);
            transactions(c);
            batches(c);
            fetchSize(c);
            copy(c);
            errors(c);
            metadata(c);
            cancel(c);
        }
        try (Connection c = DriverManager.getConnection(url + "?preferQueryMode=simple", user, password)) {
            transactions(c);
            errors(c);
            run(c, "drop table jd_x, jd_e");
        }
        try (Connection c = DriverManager.getConnection(url + "?binaryTransfer=true&prepareThreshold=-1", user, password)) {
            types(c);
            prepared(c);
        }
        System.out.println("PASS");
    }

    private static void run(Connection c, String... statements) throws SQLException {
        try (Statement s = c.createStatement()) {
            for (String sql : statements) {
                s.execute(sql);
            }
        }
    }

    private static void types(Connection c) throws Exception {
        run(c, "drop table if exists jd_t",
            "create table jd_t (id serial primary key, b boolean, i2 smallint, i int, big bigint, f4 real, f double precision,"
                + " n numeric(12,3), s text, v varchar(20), bin bytea, u uuid, d date, ts timestamp, tz timestamptz, a int[], j jsonb)");
        UUID uuid = UUID.randomUUID();
        try (PreparedStatement p = c.prepareStatement(
            "insert into jd_t (b, i2, i, big, f4, f, n, s, v, bin, u, d, ts, tz, a, j) values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?::jsonb)",
            Statement.RETURN_GENERATED_KEYS)) {
            p.setBoolean(1, true);
            p.setShort(2, (short) -3);
            p.setInt(3, 7);
            p.setLong(4, 1L << 40);
            p.setFloat(5, 0.5f);
            p.setDouble(6, -1.25);
            p.setBigDecimal(7, new BigDecimal("12345.678"));
            p.setString(8, "tëxt");
            p.setString(9, "varchar");
            p.setBytes(10, new byte[] {0, -1});
            p.setObject(11, uuid);
            p.setObject(12, LocalDate.of(2024, 2, 29));
            p.setTimestamp(13, Timestamp.valueOf("2024-02-29 01:02:03.5"));
            p.setObject(14, OffsetDateTime.parse("2024-02-29T01:02:03Z"));
            p.setArray(15, c.createArrayOf("int4", new Integer[] {1, null, 3}));
            p.setString(16, "{\"k\": 1}");
            check(1, p.executeUpdate(), "insert");
            try (ResultSet keys = p.getGeneratedKeys()) {
                check(true, keys.next(), "keys");
                check(1, keys.getInt("id"), "generated id");
            }
        }
        try (PreparedStatement p = c.prepareStatement("select * from jd_t where id = ?")) {
            p.setInt(1, 1);
            for (int round = 0; round < 7; round++) {
                try (ResultSet r = p.executeQuery()) {
                    r.next();
                    check(true, r.getBoolean("b"), "bool");
                    check((short) -3, r.getShort("i2"), "int2");
                    check(7, r.getInt("i"), "int4");
                    check(1L << 40, r.getLong("big"), "int8");
                    check(0.5f, r.getFloat("f4"), "float4");
                    check(-1.25, r.getDouble("f"), "float8");
                    check(new BigDecimal("12345.678"), r.getBigDecimal("n"), "numeric");
                    check("tëxt", r.getString("s"), "text");
                    check(true, Arrays.equals(new byte[] {0, -1}, r.getBytes("bin")), "bytea");
                    check(uuid, r.getObject("u"), "uuid");
                    check(LocalDate.of(2024, 2, 29), r.getObject("d", LocalDate.class), "date");
                    check(Timestamp.valueOf("2024-02-29 01:02:03.5"), r.getTimestamp("ts"), "timestamp");
                    check(OffsetDateTime.parse("2024-02-29T01:02:03Z").toInstant(),
                        r.getObject("tz", OffsetDateTime.class).toInstant(), "timestamptz");
                    check(Arrays.asList(1, null, 3), Arrays.asList((Integer[]) r.getArray("a").getArray()), "array");
                    check("{\"k\": 1}", r.getString("j"), "jsonb");
                    ResultSetMetaData m = r.getMetaData();
                    check("numeric", m.getColumnTypeName(8), "type name");
                    check(12, m.getPrecision(8), "precision");
                    check(3, m.getScale(8), "scale");
                    check(20, m.getColumnDisplaySize(10), "varchar length");
                    check("jd_t", m.getTableName(1), "table");
                    check(true, m.isAutoIncrement(1), "auto increment");
                }
            }
        }
    }

    private static void prepared(Connection c) throws Exception {
        try (PreparedStatement p = c.prepareStatement("select ?::int + 1, ?::text")) {
            for (int i = 0; i < 20; i++) {
                p.setInt(1, i);
                p.setNull(2, Types.VARCHAR);
                try (ResultSet r = p.executeQuery()) {
                    r.next();
                    check(i + 1, r.getInt(1), "prepared");
                    check(null, r.getString(2), "null");
                }
            }
        }
        try (PreparedStatement p = c.prepareStatement("select i from jd_t where i = any(?)")) {
            p.setArray(1, c.createArrayOf("int4", new Integer[] {7, 8}));
            try (ResultSet r = p.executeQuery()) {
                check(true, r.next(), "any");
            }
            check("int4", p.getMetaData().getColumnTypeName(1), "described");
            check(1, p.getParameterMetaData().getParameterCount(), "parameters");
        }
    }

    private static void transactions(Connection c) throws Exception {
        run(c, "drop table if exists jd_x", "create table jd_x (i int primary key)");
        c.setAutoCommit(false);
        run(c, "insert into jd_x values (1)");
        Savepoint savepoint = c.setSavepoint("sp");
        run(c, "insert into jd_x values (2)");
        fails("23505", () -> run(c, "insert into jd_x values (1)"));
        fails("25P02", () -> run(c, "select 1"));
        c.rollback(savepoint);
        run(c, "insert into jd_x values (3)");
        c.commit();
        run(c, "delete from jd_x");
        c.rollback();
        c.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
        check(2L, scalar(c, "select count(*) from jd_x"), "rows after savepoint");
        check(Connection.TRANSACTION_SERIALIZABLE, c.getTransactionIsolation(), "isolation");
        c.rollback();
        c.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
        c.setReadOnly(true);
        fails("25006", () -> run(c, "insert into jd_x values (9)"));
        c.rollback();
        c.setReadOnly(false);
        c.setAutoCommit(true);
        check(true, c.isValid(5), "valid");
    }

    private static Object scalar(Connection c, String sql) throws SQLException {
        try (Statement s = c.createStatement(); ResultSet r = s.executeQuery(sql)) {
            r.next();
            return r.getObject(1);
        }
    }

    private static void batches(Connection c) throws Exception {
        run(c, "truncate jd_x");
        c.setAutoCommit(false);
        try (PreparedStatement p = c.prepareStatement("insert into jd_x values (?)")) {
            for (int i = 0; i < 1000; i++) {
                p.setInt(1, i);
                p.addBatch();
            }
            check(1000, p.executeBatch().length, "batch");
        }
        c.commit();
        try (PreparedStatement p = c.prepareStatement("insert into jd_x values (?)")) {
            p.setInt(1, 2000);
            p.addBatch();
            p.setInt(1, 5);
            p.addBatch();
            try {
                p.executeBatch();
                throw new AssertionError("no error in the batch");
            } catch (java.sql.BatchUpdateException error) {
                check("23505", error.getSQLState(), "batch error");
            }
        }
        c.rollback();
        c.setAutoCommit(true);
        check(1000L, scalar(c, "select count(*) from jd_x"), "after the batch");
    }

    private static void fetchSize(Connection c) throws Exception {
        c.setAutoCommit(false);
        long sum = 0;
        try (Statement s = c.createStatement()) {
            s.setFetchSize(100);
            try (ResultSet r = s.executeQuery("select i from jd_x order by i")) {
                while (r.next()) {
                    sum += r.getInt(1);
                }
            }
            s.setMaxRows(10);
            int rows = 0;
            try (ResultSet r = s.executeQuery("select i from jd_x")) {
                while (r.next()) {
                    rows++;
                }
            }
            check(10, rows, "max rows");
        }
        check(499500L, sum, "fetch size");
        c.commit();
        c.setAutoCommit(true);
    }

    private static void copy(Connection c) throws Exception {
        var copies = c.unwrap(PGConnection.class).getCopyAPI();
        check(2L, copies.copyIn("copy jd_x from stdin", new StringReader("5000\n5001\n")), "copy in");
        StringWriter out = new StringWriter();
        copies.copyOut("copy (select i from jd_x where i >= 5000 order by i) to stdout csv header", out);
        check("i\n5000\n5001\n", out.toString(), "copy out");
        fails("22P02", () -> copies.copyIn("copy jd_x from stdin", new StringReader("x\n")));
        check(1L, scalar(c, "select 1::int8"), "after a failed copy");
    }

    private static void errors(Connection c) throws Exception {
        run(c, "drop table if exists jd_e", "create table jd_e (i int constraint positive check (i > 0), s text not null)");
        var message = fails("23514", () -> run(c, "insert into jd_e values (0, 'a')")).getServerErrorMessage();
        check("positive", message.getConstraint(), "constraint");
        check("jd_e", message.getTable(), "table");
        check("s", fails("23502", () -> run(c, "insert into jd_e values (1, null)")).getServerErrorMessage().getColumn(), "column");
        fails("42P01", () -> run(c, "select * from no_such"));
        fails("42703", () -> run(c, "select no_such from jd_e"));
        fails("42601", () -> run(c, "selec"));
        fails("22012", () -> run(c, "select 1/0"));
        check(8, fails("42703", () -> run(c, "select no_such")).getServerErrorMessage().getPosition(), "position");
    }

    private static void metadata(Connection c) throws Exception {
        DatabaseMetaData m = c.getMetaData();
        check("PostgreSQL", m.getDatabaseProductName(), "product");
        List<String> columns = new ArrayList<>();
        try (ResultSet r = m.getColumns(null, "public", "jd_t", "%")) {
            while (r.next()) {
                columns.add(r.getString("COLUMN_NAME") + ":" + r.getString("TYPE_NAME") + ":" + r.getString("IS_NULLABLE"));
            }
        }
        check("[id:serial:NO, b:bool:YES, i2:int2:YES, i:int4:YES, big:int8:YES, f4:float4:YES, f:float8:YES, n:numeric:YES, s:text:YES,"
            + " v:varchar:YES, bin:bytea:YES, u:uuid:YES, d:date:YES, ts:timestamp:YES, tz:timestamptz:YES, a:_int4:YES, j:jsonb:YES]",
            columns.toString(), "columns");
        List<String> tables = new ArrayList<>();
        try (ResultSet r = m.getTables(null, "public", "jd_%", new String[] {"TABLE"})) {
            while (r.next()) {
                tables.add(r.getString("TABLE_NAME"));
            }
        }
        check("[jd_e, jd_t, jd_x]", tables.toString(), "tables");
        try (ResultSet r = m.getPrimaryKeys(null, "public", "jd_t")) {
            check(true, r.next(), "primary key");
            check("id", r.getString("COLUMN_NAME"), "primary key column");
            check("jd_t_pkey", r.getString("PK_NAME"), "primary key name");
        }
        try (ResultSet r = m.getIndexInfo(null, "public", "jd_t", true, false)) {
            check(true, r.next(), "index");
            check("jd_t_pkey", r.getString("INDEX_NAME"), "index name");
        }
        try (ResultSet r = m.getSchemas()) {
            List<String> schemas = new ArrayList<>();
            while (r.next()) {
                schemas.add(r.getString("TABLE_SCHEM"));
            }
            check(true, schemas.containsAll(List.of("information_schema", "pg_catalog", "public")), "schemas " + schemas);
        }
        run(c, "drop table jd_e", "drop table jd_t", "drop table jd_x");
        run(c, "create table jd_t (i int)", "drop table jd_t");
    }

    private static void cancel(Connection c) throws Exception {
        try (Statement s = c.createStatement()) {
            Thread thread = new Thread(() -> {
                try {
                    Thread.sleep(300);
                    s.cancel();
                } catch (InterruptedException | SQLException error) {
                    throw new IllegalStateException(error);
                }
            });
            thread.start();
            fails("57014", () -> s.execute("select pg_sleep(30)"));
            thread.join();
        }
        try (Statement s = c.createStatement()) {
            s.setQueryTimeout(1);
            fails("57014", () -> s.execute("select pg_sleep(30)"));
        }
        check(1, scalar(c, "select 1"), "after a cancel");
    }
}
