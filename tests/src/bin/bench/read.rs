//! Reads beside pgbench with the same statements.

use platform::Office;
use proto::casework::v1 as casework;
use proto::casework::v1::concern_service_client::ConcernServiceClient;
use proto::names::ConcernName;
use proto::registry::v1 as registry;
use proto::registry::v1::household_service_client::HouseholdServiceClient;
use tests::GAOCHONG;
use tonic::Request;

use crate::table::{Figures, heading, line};
use crate::{Arguments, System, fill, load, pgbench};

/// Concerns there are at least.
const CONCERNS: usize = 10_000;

const POINT: &str = r"
\set n random(0, 14)
begin;
set local lianxin.scope = '430199001';
select * from concern where village = (430199001001 + :n)::text and id = (
    select id from concern where village = (430199001001 + :n)::text limit 1);
commit;
";

const PAGE: &str = r"
\set n random(0, 14)
begin;
set local lianxin.scope = '430199001';
select * from concern where village = (430199001001 + :n)::text order by reported_on desc, id desc limit 51;
commit;
";

const SEARCH: &str = r"
\set n random(1, 1186)
begin;
set local lianxin.scope = '430112011211';
select * from household where village = '430112011211' and number = lpad((:n)::text, 5, '0');
commit;
";

pub(crate) async fn measure(system: &System, arguments: &Arguments) {
    heading(
        "Reads, and the same SQL by pgbench with as many clients",
        &["", "a second, min / median / max", "pgbench", "ratio"],
    );
    let mut owner = system.owner("casework").await;
    fill::villages(&mut owner, 15).await;
    fill::concerns(&mut owner, 0..CONCERNS, 15).await;
    fill::published(&mut owner).await;
    let channels = system.channels("casework").await;
    let token = system.token("reader", Office::Officer, fill::COUNTY);
    let client = move |number: u64| ConcernServiceClient::new(channels[number as usize % channels.len()].clone());
    let asked = {
        let token = token.clone();
        move |number: u64| (client(number), token.clone(), number as usize % CONCERNS)
    };
    let with = |message, token: &tonic::metadata::MetadataValue<_>| {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", token.clone());
        request
    };

    let ask = asked.clone();
    compare(system, arguments, "a concern", "casework", POINT, move |number| {
        let (mut client, token, number) = ask(number);
        let name = ConcernName::new(fill::village(number % 15), fill::concern(number)).to_string();
        let request = with(casework::GetConcernRequest { name }, &token);
        async move { client.get_concern(request).await.map(|_| ()) }
    })
    .await;
    let with = |message, token: &tonic::metadata::MetadataValue<_>| {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", token.clone());
        request
    };
    compare(system, arguments, "a page of 50 concerns", "casework", PAGE, move |number| {
        let (mut client, token, number) = asked(number);
        let parent = format!("villages/{}", fill::village(number % 15));
        let request = with(casework::ListConcernsRequest { parent, page_size: 50, ..Default::default() }, &token);
        async move { client.list_concerns(request).await.map(|_| ()) }
    })
    .await;

    let channels = system.channels("registry").await;
    let token = system.token("reader", Office::Officer, GAOCHONG);
    compare(system, arguments, "a household by its number", "registry", SEARCH, move |number| {
        let mut client = HouseholdServiceClient::new(channels[number as usize % channels.len()].clone());
        let filter = registry::HouseholdFilter { number: format!("{:05}", number % 1186 + 1), ..Default::default() };
        let mut request = Request::new(registry::ListHouseholdsRequest {
            parent: format!("villages/{GAOCHONG}"),
            filter: Some(filter),
            ..Default::default()
        });
        request.metadata_mut().insert("authorization", token.clone());
        async move { client.list_households(request).await.map(|_| ()) }
    })
    .await;
}

async fn compare<F, Fut>(system: &System, arguments: &Arguments, what: &str, service: &str, script: &str, call: F)
where
    F: Fn(u64) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<(), tonic::Status>> + Send,
{
    let (mut ours, mut theirs, mut ratio) = (Figures::default(), Figures::default(), Figures::default());
    for _ in 0..arguments.times {
        let base = pgbench::run(system, service, script, arguments.clients, arguments.time());
        let met = load::closed(arguments.clients, arguments.time(), call.clone()).await.must_be_right(what);
        ours.add(met.rate());
        theirs.add(base.rate);
        ratio.add(met.rate() / base.rate);
    }
    line(&[what.into(), ours.range(), theirs.range(), ratio.range()]);
}
