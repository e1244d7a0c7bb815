/**
 * Text as a double-quoted string of YAML. One of JSON is one of YAML, but for characters that YAML takes for line ends or does not
 * let stand in a document at all (YAML 1.2, 5.1 and 5.4; readers of 1.1 break lines at U+0085, U+2028 and U+2029 too).
 */
export const yamlText = (text: string): string => JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
