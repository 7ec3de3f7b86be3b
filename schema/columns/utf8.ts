/**
 * Text of UTF-8 that came in with data. The platform's own default takes a first U+FEFF for a mark of the byte order
 * and drops it, which would make two keys one text and an id differ from itself; here it is a character.
 */
export const utf8Decoder = new TextDecoder("utf-8", { ignoreBOM: true });
