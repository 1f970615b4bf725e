import java.io.IOException;
import java.io.StringReader;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import org.postgresql.PGConnection;

/** A ledger: accounts are loaded by COPY, workers move money in transactions, the journal is streamed. */
public final class Ledger {
    private static final int ACCOUNTS = 100;
    private static final int WORKERS = 4;
    private static final int TRANSFERS = 50;
    private static final int OPENING_BALANCE = 1000;

    private interface Work {
        void run(Connection connection) throws SQLException;
    }

    /** By PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE, with libpq's defaults. */
    private static Connection connect() throws SQLException {
        Map<String, String> env = System.getenv();
        String user = env.getOrDefault("PGUSER", System.getProperty("user.name"));
        String host = env.getOrDefault("PGHOST", "localhost") + ":" + env.getOrDefault("PGPORT", "5432");
        Properties properties = new Properties();
        properties.setProperty("user", user);
        properties.setProperty("password", env.getOrDefault("PGPASSWORD", ""));
        properties.setProperty("ApplicationName", "ledger");
        return DriverManager.getConnection("jdbc:postgresql://" + host + "/" + env.getOrDefault("PGDATABASE", user), properties);
    }

    /** Runs work in a transaction, again if it collided with another one. Returns how often it was run again. */
    private static int transaction(Connection connection, Work work) throws SQLException, InterruptedException {
        int attempts = 100;
        connection.setAutoCommit(false);
        for (int retries = 0; retries < attempts; retries++) {
            try {
                work.run(connection);
                connection.commit();
                return retries;
            } catch (SQLException error) {
                connection.rollback();
                if (!"40001".equals(error.getSQLState())) { // 40001: another transaction was faster; nothing has happened
                    throw error;
                }
                Thread.sleep(ThreadLocalRandom.current().nextInt(2 * Math.min(retries + 1, 10)));
            }
        }
        throw new SQLException("gave up after " + attempts + " attempts");
    }

    private static void execute(Connection connection, String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private static long load(Connection connection) throws SQLException, IOException {
        StringBuilder rows = new StringBuilder();
        for (int id = 0; id < ACCOUNTS; id++) {
            rows.append(id).append(',').append(OPENING_BALANCE).append('\n');
        }
        String copy = "copy java_account (id, balance) from stdin (format csv)";
        return connection.unwrap(PGConnection.class).getCopyAPI().copyIn(copy, new StringReader(rows.toString()));
    }

    private static int update(Connection connection, String sql, int... parameters) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setInt(i + 1, parameters[i]);
            }
            return statement.executeUpdate();
        }
    }

    /** Reads, decides, writes: right only because the transaction sees one state and fails if that changed. */
    private static void transfer(Connection connection, int payer, int payee, int amount) throws SQLException {
        try (PreparedStatement balance = connection.prepareStatement("select balance from java_account where id = ?")) {
            balance.setInt(1, payer);
            try (ResultSet row = balance.executeQuery()) {
                if (!row.next() || row.getInt(1) < amount) {
                    return;
                }
            }
        }
        update(connection, "update java_account set balance = balance - ? where id = ?", amount, payer);
        update(connection, "update java_account set balance = balance + ? where id = ?", amount, payee);
        update(connection, "insert into java_journal (payer, payee, amount) values (?, ?, ?)", payer, payee, amount);
    }

    private static int work() throws SQLException, InterruptedException {
        int retries = 0;
        ThreadLocalRandom random = ThreadLocalRandom.current();
        try (Connection connection = connect()) {
            connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            for (int i = 0; i < TRANSFERS; i++) {
                int payer = random.nextInt(ACCOUNTS);
                int payee = (payer + random.nextInt(1, ACCOUNTS)) % ACCOUNTS;
                int amount = random.nextInt(1, 51);
                retries += transaction(connection, c -> transfer(c, payer, payee, amount));
            }
        }
        return retries;
    }

    private static int workInParallel() throws Exception {
        ExecutorService workers = Executors.newFixedThreadPool(WORKERS);
        try {
            List<Callable<Integer>> tasks = new ArrayList<>();
            for (int i = 0; i < WORKERS; i++) {
                tasks.add(Ledger::work);
            }
            int retries = 0;
            for (Future<Integer> done : workers.invokeAll(tasks)) {
                retries += done.get();
            }
            return retries;
        } finally {
            workers.shutdown();
        }
    }

    /** Rows in batches of 50 from one portal: needs a transaction, else the driver fetches everything. */
    private static void stream(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        long rows = 0;
        long moved = 0;
        try (Statement statement = connection.createStatement()) {
            statement.setFetchSize(50);
            try (ResultSet journal = statement.executeQuery("select amount from java_journal order by id")) {
                while (journal.next()) {
                    rows++;
                    moved += journal.getInt(1);
                }
            }
        }
        connection.commit();
        System.out.println(rows + " journal rows read, " + moved + " moved");
    }

    private static long totalBalance(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("select sum(balance) from java_account")) {
            row.next();
            return row.getLong(1);
        }
    }

    public static void main(String[] arguments) throws Exception {
        try (Connection connection = connect()) {
            execute(
                    connection,
                    "create table java_account (id int primary key, balance int not null check (balance >= 0))",
                    "create table java_journal (id bigint generated always as identity primary key,"
                            + " payer int not null references java_account, payee int not null references java_account,"
                            + " amount int not null check (amount > 0), at timestamptz not null default now())");
            long total;
            try {
                System.out.println(load(connection) + " accounts loaded");
                System.out.println(WORKERS * TRANSFERS + " transfers, " + workInParallel() + " retries");
                stream(connection);
                connection.setAutoCommit(true);
                total = totalBalance(connection);
            } finally {
                connection.setAutoCommit(true);
                execute(connection, "drop table java_journal, java_account");
            }
            boolean right = total == (long) ACCOUNTS * OPENING_BALANCE;
            System.out.println(right ? "the books balance" : "WRONG: " + total + " in the books");
            System.exit(right ? 0 : 1);
        }
    }
}
