//! The fault proxy as a program, for scripts:
//!
//! ```text
//! cargo run --example fault_proxy -- --store HOST:PORT [--listen HOST:PORT] [--seed N] [FAULT=PROBABILITY] [delay-ms=N]
//! ```
//!
//! Prints `listening on ADDRESS`. Each line on its input is answered with the figures so far; the end of its input
//! ends it. `delay-ms` is for every PUT and POST.

mod proxy;

use std::io::BufRead;
use std::net::SocketAddr;
use std::time::Duration;

use proxy::{Fault, FaultProxy, Seen, Stats};

struct Options {
    listen: SocketAddr,
    store: SocketAddr,
    seed: u64,
    faults: Vec<(Fault, f64)>,
    put_delay: Duration,
}

fn options(arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        store: SocketAddr::from(([127, 0, 0, 1], 0)),
        seed: 0,
        faults: Vec::new(),
        put_delay: Duration::ZERO,
    };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--listen" => options.listen = parse(&value()?)?,
            "--store" => options.store = parse(&value()?)?,
            "--seed" => options.seed = parse(&value()?)?,
            pair => {
                let (name, value) = pair.split_once('=').ok_or(format!("{pair} is not FAULT=PROBABILITY"))?;
                if name == "delay-ms" {
                    options.put_delay = Duration::from_millis(parse(value)?);
                } else {
                    let named = Fault::NAMED.iter().find(|(fault, _)| *fault == name);
                    let (_, fault) = named.ok_or(format!("there is no fault {name}"))?;
                    options.faults.push((*fault, parse(value)?));
                }
            }
        }
    }
    if options.store.port() == 0 {
        return Err("--store HOST:PORT is needed".to_owned());
    }
    Ok(options)
}

fn parse<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is not valid"))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = options(std::env::args().skip(1))?;
    let runtime = tokio::runtime::Runtime::new()?;
    let proxy = runtime.block_on(FaultProxy::start(options.listen, options.store))?;
    let mut faults = proxy::seeded(options.seed, options.faults);
    proxy.set_plan(Box::new(move |seen: &Seen<'_>| match faults(seen) {
        Fault::None if !options.put_delay.is_zero() && matches!(seen.method, "PUT" | "POST") => {
            Fault::Delay(options.put_delay)
        }
        fault => fault,
    }));
    println!("listening on {}", proxy.address());
    for line in std::io::stdin().lock().lines() {
        line?;
        let Stats { requests, faults, writes, bytes_up, bytes_down } = proxy.stats();
        println!("requests={requests} faults={faults} writes={writes} bytes_up={bytes_up} bytes_down={bytes_down}");
    }
    Ok(())
}
