//! A version in Rust: what it does with an event stands in the event.
use lambda_runtime::{run, service_fn, Error, LambdaEvent};
use serde_json::{json, Value};
use std::{env, fs::OpenOptions, io::Write, process, time::Duration};

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (body, context) = event.into_parts();
    let what = body["do"].as_str().unwrap_or_default();
    println!("printed by {what}");
    match what {
        "fail" => return Err("an error of Rust's".into()),
        "panic" => panic!("a panic of Rust's"),
        "hang" => tokio::time::sleep(Duration::from_secs(60)).await,
        "exit" => process::exit(3),
        _ => {}
    }
    let text = body["text"].as_str().unwrap_or_default();
    let mut told = OpenOptions::new().append(true).create(true).open(env::var("TOLD")?)?;
    let in_time = context.deadline().elapsed().is_err();
    writeln!(told, "{} {} {}", context.request_id, text, in_time)?;
    Ok(json!({ "told": text }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(handle)).await
}
