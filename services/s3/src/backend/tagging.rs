//! Calls about tags (`spec/s3.md` 9).

use opentrail_wire::Fault;

use super::Backend;
use super::direct::{document, key};
use crate::codec::{Exchange, Reply};
use crate::tags::{self, On, Tags};
use crate::{faults, refuse, xml};

impl Backend {
    pub(super) async fn object_tags(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        refuse::any_version(&exchange.asked)?;
        let (bucket, key) = (exchange.bucket()?, key(exchange)?);
        let row = self.store.find(bucket, key).await?.ok_or_else(|| no_such_object(&bucket.name, key))?;
        Ok(xml::reply(tags::document(&row.tags)))
    }

    pub(super) async fn tag_object(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        refuse::any_version(&exchange.asked)?;
        let tags = tags::of_document(&exchange.asked, &document(exchange)?, On::Object)?;
        self.store.tag(exchange.bucket()?, key(exchange)?, &tags).await?;
        Ok(xml::nothing(200))
    }

    pub(super) async fn untag_object(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        refuse::any_version(&exchange.asked)?;
        self.store.tag(exchange.bucket()?, key(exchange)?, &Tags::new()).await?;
        Ok(xml::nothing(204))
    }

    pub(super) async fn bucket_tags(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        let bucket = exchange.bucket()?;
        let tags = self.store.bucket_tags(bucket).await?;
        if tags.is_empty() {
            return Err(faults::no_such_tag_set(&bucket.name));
        }
        Ok(xml::reply(tags::document(&tags)))
    }

    pub(super) async fn tag_bucket(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        let tags = tags::of_document(&exchange.asked, &document(exchange)?, On::Bucket)?;
        self.store.tag_bucket(exchange.bucket()?, tags).await?;
        Ok(xml::nothing(204))
    }

    pub(super) async fn untag_bucket(&self, exchange: &Exchange) -> Result<Reply, Fault> {
        self.store.tag_bucket(exchange.bucket()?, Tags::new()).await?;
        Ok(xml::nothing(204))
    }
}

/// Of a missing key GetObjectTagging says also the bucket.
fn no_such_object(bucket: &str, key: &str) -> Fault {
    faults::no_such_key(&format!("{bucket}/{key}"))
}
