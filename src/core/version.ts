/** The release, as in package.json; shown in `$SYS/broker/version` and in the OpenAPI document. */
export const version = "0.3.0";
