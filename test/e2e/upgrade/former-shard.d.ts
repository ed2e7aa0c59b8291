// The shard of the release before, as `former/` has it: the test gives the bundler its place.
declare module "former-shard" {
  export { BrokerShard } from "../../../src/objects/broker-shard.ts";
}
