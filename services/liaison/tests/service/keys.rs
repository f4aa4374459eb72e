//! What is sealed in liaison's tables is named, so that it is sealed anew when a village's key is replaced.

#[tokio::test]
async fn every_sealed_column_is_sealed_anew_when_a_key_is_replaced() {
    harness::every_sealed_column_is_named(liaison::SERVICE, &liaison::migrations(), liaison::SEALED).await;
}
