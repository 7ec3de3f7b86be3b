/**
 * What failed TLS connections say, in the words of Node and OpenSSL: a certificate that is not trusted, or not
 * the server's; and a port at which nobody speaks TLS. Neither passes by itself.
 */
export const TLS_FAILURES = {
  certificate: /certificate|altnames/i,
  noTls: /secure TLS connection was established|wrong version number|packet length too long/i,
} as const;
