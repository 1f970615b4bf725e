//! The fault proxy as a program, for scripts:
//!
//! ```text
//! cargo run --example fault_proxy -- --store HOST:PORT [--listen HOST:PORT] [--seed N] [FAULT=PROBABILITY] [delay-ms=N]
//! ```
//!
//! Prints `listening on ADDRESS`. Each line on its input is answered with the figures so far; one that is not empty
//! says which faults there are from now on, as the arguments do, `none` that there are none. The end of its input ends
//! it. `delay-ms` is for every PUT and POST.

mod proxy;

use std::io::BufRead;
use std::net::SocketAddr;
use std::time::Duration;

use proxy::{Fault, FaultProxy, Plan, Seen, Stats};

struct Options {
    listen: SocketAddr,
    store: SocketAddr,
    seed: u64,
    faults: Faults,
}

/// Faults with their probabilities, and how long each PUT and POST is held up.
#[derive(Default)]
struct Faults {
    random: Vec<(Fault, f64)>,
    put_delay: Duration,
}

impl Faults {
    /// Adds FAULT=PROBABILITY or delay-ms=N.
    fn add(&mut self, pair: &str) -> Result<(), String> {
        let (name, value) = pair.split_once('=').ok_or(format!("{pair} is not FAULT=PROBABILITY"))?;
        if name == "delay-ms" {
            self.put_delay = Duration::from_millis(parse(value)?);
        } else {
            let named = Fault::NAMED.iter().find(|(fault, _)| *fault == name);
            let (_, fault) = named.ok_or(format!("there is no fault {name}"))?;
            self.random.push((*fault, parse(value)?));
        }
        Ok(())
    }

    fn plan(self, seed: u64) -> Plan {
        let mut random = proxy::seeded(seed, self.random);
        let put_delay = self.put_delay;
        Box::new(move |seen: &Seen<'_>| match random(seen) {
            Fault::None if !put_delay.is_zero() && matches!(seen.method, "PUT" | "POST") => Fault::Delay(put_delay),
            fault => fault,
        })
    }
}

fn options(arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        store: SocketAddr::from(([127, 0, 0, 1], 0)),
        seed: 0,
        faults: Faults::default(),
    };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--listen" => options.listen = parse(&value()?)?,
            "--store" => options.store = parse(&value()?)?,
            "--seed" => options.seed = parse(&value()?)?,
            pair => options.faults.add(pair)?,
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
    proxy.set_plan(options.faults.plan(options.seed));
    println!("listening on {}", proxy.address());
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        let line = line?;
        if !line.is_empty() {
            let mut faults = Faults::default();
            line.split(' ').filter(|word| *word != "none").try_for_each(|pair| faults.add(pair))?;
            proxy.set_plan(faults.plan(options.seed + 1 + number as u64));
        }
        let Stats { requests, faults, writes, bytes_up, bytes_down } = proxy.stats();
        println!("requests={requests} faults={faults} writes={writes} bytes_up={bytes_up} bytes_down={bytes_down}");
    }
    Ok(())
}
