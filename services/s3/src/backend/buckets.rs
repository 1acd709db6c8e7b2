//! Calls about buckets (`spec/s3.md` 3).

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use opentrail_event::{Arn, Region};
use opentrail_wire::Fault;
use s3s::S3Response;
use s3s::dto::{
    BucketLocationConstraint, CreateBucketOutput, DeleteBucketOutput, GetBucketLocationOutput, HeadBucketOutput,
    ListBucketsOutput, TimestampFormat,
};
use s3s::xml::{SerResult, Serializer};

use super::Backend;
use crate::bodies::Outgoing;
use crate::codec::Exchange;
use crate::store::{BucketPage, Created, NewBucket};
use crate::{faults, names, spell, token};

/// The region whose endpoint is S3's oldest, and differs.
const US_EAST_1: &str = "us-east-1";
/// What `EU` means in a location constraint.
const EU: &str = "eu-west-1";
/// The most buckets of one page, and the size of a page that was not asked for.
const BUCKETS_PER_PAGE_MAX: usize = 10_000;
const XMLNS: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

impl Backend {
    pub(super) async fn make_bucket(
        &self,
        exchange: &Exchange,
        name: &str,
    ) -> Result<S3Response<CreateBucketOutput>, Fault> {
        if !names::is_bucket_name(name) {
            return Err(faults::invalid_bucket_name(name));
        }
        let constraint = exchange.configuration.location_constraint.as_deref();
        let region = self.place(&exchange.region, constraint)?;
        let new = NewBucket {
            name,
            account: exchange.account,
            region: &region,
            location: constraint.map(str::to_owned),
            tags: exchange.configuration.tags.clone(),
        };
        match self.store.create_bucket(new).await? {
            Created::New => {}
            // In us-east-1, and only there, making one's own bucket again succeeds, unless it is to have tags.
            Created::OwnedAlready(there)
                if there.region.as_str() == US_EAST_1
                    && region.as_str() == US_EAST_1
                    && exchange.configuration.tags.is_empty() => {}
            Created::OwnedAlready(_) => return Err(faults::bucket_already_owned(name)),
            Created::Taken => return Err(faults::bucket_already_exists(name)),
        }
        let location =
            if constraint.is_none() { format!("/{name}") } else { format!("http://{name}.s3.amazonaws.com/") };
        let output = CreateBucketOutput { location: Some(location) };
        Ok(S3Response::with_headers(output, arn_header(name)?))
    }

    /// The region of a new bucket, by the endpoint that was asked and the constraint in the body.
    fn place(&self, endpoint: &Region, constraint: Option<&str>) -> Result<Region, Fault> {
        let served = |name: &str| self.regions.iter().find(|r| r.as_str() == name).cloned();
        match (endpoint.as_str(), constraint) {
            (US_EAST_1, None) => Ok(endpoint.clone()),
            (US_EAST_1, Some(US_EAST_1)) => Err(faults::invalid_location(US_EAST_1)),
            (US_EAST_1, Some("EU")) => served(EU).ok_or_else(|| faults::invalid_location("EU")),
            (US_EAST_1, Some(name)) => served(name).ok_or_else(|| faults::invalid_location(name)),
            (here, Some(name)) if name == here || (name == "EU" && here == EU) => Ok(endpoint.clone()),
            (_, constraint) => Err(faults::illegal_location(constraint)),
        }
    }

    pub(super) async fn remove_bucket(&self, exchange: &Exchange) -> Result<S3Response<DeleteBucketOutput>, Fault> {
        self.store.delete_bucket(exchange.bucket()?).await?;
        Ok(S3Response::new(DeleteBucketOutput::default()))
    }

    pub(super) fn describe_bucket(&self, exchange: &Exchange) -> Result<S3Response<HeadBucketOutput>, Fault> {
        let bucket = exchange.bucket()?;
        let mut headers = arn_header(&bucket.name)?;
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        let output = HeadBucketOutput {
            access_point_alias: Some(false),
            bucket_region: Some(bucket.region.to_string()),
            ..HeadBucketOutput::default()
        };
        Ok(S3Response::with_headers(output, headers))
    }

    pub(super) fn locate_bucket(&self, exchange: &Exchange) -> Result<S3Response<GetBucketLocationOutput>, Fault> {
        let location_constraint = exchange.bucket()?.location.clone().map(BucketLocationConstraint::from);
        Ok(S3Response::new(GetBucketLocationOutput { location_constraint }))
    }

    /// s3s's output shape does not know `BucketArn`: the document is written here, with its serialiser.
    pub(super) async fn page_of_buckets(&self, exchange: &Exchange) -> Result<S3Response<ListBucketsOutput>, Fault> {
        let asked = &exchange.asked;
        let limit = match asked.parameter("max-buckets") {
            None => None,
            Some(text) => {
                Some(text.parse().ok().filter(|n| (1..=BUCKETS_PER_PAGE_MAX).contains(n)).ok_or_else(|| {
                    let message = "Argument max-buckets must be an integer between 1 and 10000.";
                    faults::invalid_argument(message, "max-buckets", text)
                })?)
            }
        };
        let region = asked.parameter("bucket-region").map(|name| self.known_region(name)).transpose()?;
        let prefix = asked.parameter("prefix");
        let account = exchange.account.to_string();
        let scope = ["buckets", &account, prefix.unwrap_or(""), region.as_ref().map_or("", |r| r.as_str())];
        let after = match asked.parameter("continuation-token") {
            None => None,
            Some(text) => Some(token::read(&scope, text).ok_or_else(|| {
                let message = "The continuation token provided is incorrect";
                faults::invalid_argument(message, "continuation-token", text)
            })?),
        };
        let is_paged = limit.is_some() || region.is_some() || prefix.is_some() || after.is_some();
        let limit = limit.unwrap_or(BUCKETS_PER_PAGE_MAX);
        let page = self
            .store
            .buckets(exchange.account, prefix.unwrap_or(""), region.as_ref(), after.as_deref(), limit)
            .await?;
        let next = page.buckets.last().filter(|_| page.more).map(|(name, ..)| token::write(&scope, name));
        let owner = spell::canonical_id(exchange.account);
        let mut document = Vec::new();
        let mut xml = Serializer::new(&mut document);
        xml.decl()
            .and_then(|()| write_buckets(&mut xml, &page, &owner, is_paged, prefix, next.as_deref()))
            .map_err(|e| faults::internal("write buckets", e))?;
        exchange.beside().outgoing = Some(Outgoing::Whole(Bytes::from(document)));
        Ok(S3Response::new(ListBucketsOutput::default()))
    }

    fn known_region(&self, name: &str) -> Result<Region, Fault> {
        self.regions.iter().find(|r| r.as_str() == name).cloned().ok_or_else(|| {
            let shown: String = name.chars().take(64).collect();
            Fault::client("InvalidArgument", format!("Argument value {shown} is not a valid AWS Region"))
                .with("ArgumentName", "bucket-region")
                .with("ArgumentValue", shown)
        })
    }
}

fn arn_header(bucket: &str) -> Result<HeaderMap, Fault> {
    let arn = Arn::bucket(bucket);
    let value = HeaderValue::from_str(arn.as_str()).map_err(|e| faults::internal("write bucket ARN", e))?;
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-bucket-arn", value);
    Ok(headers)
}

/// `<ListAllMyBucketsResult>`. The region stands there only where paging or a filter was asked for.
fn write_buckets(
    xml: &mut Serializer<&mut Vec<u8>>,
    page: &BucketPage,
    owner: &str,
    is_paged: bool,
    prefix: Option<&str>,
    next: Option<&str>,
) -> SerResult {
    xml.element_with_ns("ListAllMyBucketsResult", XMLNS, |xml| {
        xml.element("Owner", |xml| xml.content("ID", owner))?;
        xml.element("Buckets", |xml| {
            for (name, region, created_s) in &page.buckets {
                xml.element("Bucket", |xml| {
                    xml.content("Name", name)?;
                    xml.timestamp("CreationDate", &spell::timestamp(*created_s), TimestampFormat::DateTime)?;
                    if is_paged {
                        xml.content("BucketRegion", region.as_str())?;
                    }
                    xml.content("BucketArn", Arn::bucket(name).as_str())
                })?;
            }
            Ok(())
        })?;
        if let Some(next) = next {
            xml.content("ContinuationToken", next)?;
        }
        if let Some(prefix) = prefix {
            xml.content("Prefix", prefix)?;
        }
        Ok(())
    })
}
