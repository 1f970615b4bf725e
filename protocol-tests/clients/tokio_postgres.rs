//! tokio-postgres against pgserver, or against the PostgreSQL at `PGTEST_ADDR`: types, prepared statements, pipelining,
//! transactions, portals, COPY, errors, cancel.

#[path = "../server.rs"]
mod server;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use server::Server;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, NoTls, SimpleQueryMessage};

type Result<T = (), E = Error> = std::result::Result<T, E>;

/// The server under test; ours ends with the value.
fn target() -> (Option<Server>, SocketAddr) {
    if let Ok(addr) = std::env::var("PGTEST_ADDR") {
        return (None, addr.parse().unwrap());
    }
    let server = Server::start("postgres", "trust", "").unwrap();
    let addr = server.addr;
    (Some(server), addr)
}

async fn connect(addr: SocketAddr) -> Result<Client> {
    let config = format!("host={} port={} user=postgres dbname=postgres", addr.ip(), addr.port());
    let (client, connection) = tokio_postgres::connect(&config, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everyday_program() -> Result {
    let (_server, addr) = target();
    let mut client = connect(addr).await?;
    client.batch_execute("drop table if exists tp_t; create table tp_t (id serial primary key, b bool, i2 int2, i int, big int8, f4 float4, f float8, s text, v varchar(9), bin bytea, a int[], ta text[])").await?;
    types(&client).await?;
    prepared(&client).await?;
    transactions(&mut client).await?;
    portals(&mut client).await?;
    copy(&client).await?;
    errors(&client).await?;
    cancel(&client).await?;
    client.batch_execute("drop table tp_t").await
}

async fn types(client: &Client) -> Result {
    let array = vec![Some(1), None, Some(3)];
    let words = vec!["a", "b c", "\"q\""];
    let insert = "insert into tp_t (b, i2, i, big, f4, f, s, v, bin, a, ta) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning id";
    let row = client
        .query_one(
            insert,
            &[
                &true,
                &-2i16,
                &7i32,
                &(1i64 << 40),
                &0.5f32,
                &-1e300f64,
                &"tëxt",
                &"v",
                &&[0u8, 255][..],
                &array,
                &words,
            ],
        )
        .await?;
    assert_eq!(row.get::<_, i32>(0), 1);
    let row =
        client.query_one("select b, i2, i, big, f4, f, s, v, bin, a, ta from tp_t where id = $1", &[&1i32]).await?;
    assert_eq!(
        (row.get::<_, bool>(0), row.get::<_, i16>(1), row.get::<_, i32>(2), row.get::<_, i64>(3)),
        (true, -2, 7, 1 << 40)
    );
    assert_eq!(
        (row.get::<_, f32>(4), row.get::<_, f64>(5), row.get::<_, &str>(6), row.get::<_, &str>(7)),
        (0.5, -1e300, "tëxt", "v")
    );
    assert_eq!(
        (row.get::<_, &[u8]>(8), row.get::<_, Vec<Option<i32>>>(9), row.get::<_, Vec<String>>(10)),
        (&[0u8, 255][..], array, words.iter().map(|w| w.to_string()).collect())
    );
    let nulls = client.query_one("select $1::int4, $2::text", &[&None::<i32>, &None::<&str>]).await?;
    assert_eq!((nulls.get::<_, Option<i32>>(0), nulls.get::<_, Option<&str>>(1)), (None, None));
    Ok(())
}

async fn prepared(client: &Client) -> Result {
    let statement = client.prepare("select id, s from tp_t where i = $1 and s <> $2").await?;
    assert_eq!(statement.params(), [Type::INT4, Type::TEXT]);
    assert_eq!(statement.columns().iter().map(|c| c.type_().clone()).collect::<Vec<_>>(), [Type::INT4, Type::TEXT]);
    assert_eq!(client.query(&statement, &[&7i32, &"other"]).await?.len(), 1);
    // Many at once on one connection are pipelined.
    let plus = client.prepare_typed("select $1 + 1", &[Type::INT4]).await?;
    let (one, two, three) = tokio::join!(
        client.query_one(&plus, &[&1i32]),
        client.query_one(&plus, &[&2i32]),
        client.query_one(&plus, &[&3i32])
    );
    assert_eq!((one?.get::<_, i32>(0), two?.get::<_, i32>(0), three?.get::<_, i32>(0)), (2, 3, 4));
    let messages = client.simple_query("select 1 as a; select 'x' as b").await?;
    let rows = messages.iter().filter(|m| matches!(m, SimpleQueryMessage::Row(_))).count();
    assert_eq!(rows, 2);
    Ok(())
}

async fn transactions(client: &mut Client) -> Result {
    let mut transaction = client.transaction().await?;
    transaction.execute("insert into tp_t (i) values (100)", &[]).await?;
    let savepoint = transaction.savepoint("sp").await?;
    let error = savepoint.execute("select 1/0", &[]).await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::DIVISION_BY_ZERO));
    savepoint.rollback().await?;
    transaction.commit().await?;
    let transaction = client.transaction().await?;
    assert_eq!(transaction.execute("delete from tp_t", &[]).await?, 2);
    drop(transaction);
    assert_eq!(client.query_one("select count(*) from tp_t", &[]).await?.get::<_, i64>(0), 2);
    let transaction = client.build_transaction().read_only(true).start().await?;
    let error = transaction.execute("delete from tp_t", &[]).await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::READ_ONLY_SQL_TRANSACTION));
    transaction.rollback().await
}

async fn portals(client: &mut Client) -> Result {
    let transaction = client.transaction().await?;
    let portal = transaction.bind("select i from generate_series(1, $1) as g(i)", &[&25i32]).await?;
    assert_eq!(transaction.query_portal(&portal, 10).await?.len(), 10);
    assert_eq!(transaction.query_portal(&portal, 10).await?.len(), 10);
    assert_eq!(transaction.query_portal(&portal, 10).await?.len(), 5);
    transaction.commit().await
}

async fn copy(client: &Client) -> Result {
    use futures_util::{SinkExt as _, TryStreamExt as _};
    let sink = client.copy_in("copy tp_t (i, s) from stdin").await?;
    tokio::pin!(sink);
    sink.send(bytes::Bytes::from_static(b"500\ta\n501")).await?;
    sink.send(bytes::Bytes::from_static(b"\tb\n")).await?;
    assert_eq!(sink.finish().await?, 2);
    let out = client.copy_out("copy (select i, s from tp_t where i >= 500 order by i) to stdout csv").await?;
    let chunks: Vec<bytes::Bytes> = out.try_collect().await?;
    assert_eq!(chunks.concat(), b"500,a\n501,b\n");
    // A sink that is dropped fails the copy and the connection goes on.
    {
        let sink = client.copy_in("copy tp_t (i, s) from stdin").await?;
        tokio::pin!(sink);
        sink.send(bytes::Bytes::from_static(b"502\tc\n")).await?;
    }
    assert_eq!(client.query_one("select count(*) from tp_t where i >= 500", &[]).await?.get::<_, i64>(0), 2);
    Ok(())
}

async fn errors(client: &Client) -> Result {
    let error = client.execute("insert into tp_t (id) values (1)", &[]).await.unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!(
        (error.code(), error.constraint(), error.table()),
        (&SqlState::UNIQUE_VIOLATION, Some("tp_t_pkey"), Some("tp_t"))
    );
    for (sql, code) in [
        ("selec", SqlState::SYNTAX_ERROR),
        ("select nope from tp_t", SqlState::UNDEFINED_COLUMN),
        ("select * from nope", SqlState::UNDEFINED_TABLE),
        ("select nope(1)", SqlState::UNDEFINED_FUNCTION),
        ("select 'x'::int", SqlState::INVALID_TEXT_REPRESENTATION),
    ] {
        assert_eq!(client.query(sql, &[]).await.unwrap_err().code(), Some(&code), "{sql}");
    }
    Ok(())
}

async fn cancel(client: &Client) -> Result {
    let token = client.cancel_token();
    let started = Instant::now();
    let (slept, _) = tokio::join!(client.batch_execute("select pg_sleep(30)"), async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        token.cancel_query(NoTls).await
    });
    assert_eq!(slept.unwrap_err().code(), Some(&SqlState::QUERY_CANCELED));
    assert!(started.elapsed() < Duration::from_secs(10));
    Ok(())
}
