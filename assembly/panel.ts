/** Columns of a panel of weights, quantized and float alike. */
export const panelColumns: i32 = 8;
