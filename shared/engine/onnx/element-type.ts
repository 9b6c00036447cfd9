/** ONNX element types by their protobuf names, with their numbers in `TensorProto.DataType`. */
export const ELEMENT_TYPE = {
  FLOAT: 1,
  UINT8: 2,
  INT8: 3,
  INT32: 6,
  INT64: 7,
  BOOL: 9,
  FLOAT16: 10,
} as const;

export type ElementType = keyof typeof ELEMENT_TYPE;

export const ELEMENT_BYTES = {
  FLOAT: 4,
  UINT8: 1,
  INT8: 1,
  INT32: 4,
  INT64: 8,
  BOOL: 1,
  FLOAT16: 2,
} as const satisfies Record<ElementType, number>;
