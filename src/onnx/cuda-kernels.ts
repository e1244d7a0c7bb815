/**
 * The kernels of ONNX Runtime's CUDA execution provider, release by release. Derived by scripts/cuda-kernels.mjs from
 * docs/OperatorKernels.md of microsoft/onnxruntime as it stood when each release was branched; do not edit by hand.
 *
 * A line: releases (indices into RELEASES, empty = all) | domain op | parameters in order (`>` = output, `=t` = fixed
 * type, `/` = or) | opset versions | types allowed for each type parameter. f float, h float16, b bfloat16, d double, ? bool, s string.
 */
export const RELEASES = ['1.17', '1.18', '1.19', '1.20', '1.21', '1.22', '1.23', '1.24'] as const

export const KERNELS = `
5-7|ai.onnx Abs|T >T|13+|T=b,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
0-4|ai.onnx Abs|T >T|13+|T=d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Abs|T >T|6-12|T=d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Add|T T >T|13|T=b,d,f,h,i32,i64,u32,u64
4-7|ai.onnx Add|T T >T|14+|T=b,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
0-3|ai.onnx Add|T T >T|14+|T=b,d,f,h,i32,i64,u32,u64
|ai.onnx Add|T T >T|7-12|T=d,f,h,i32,i64,u32,u64
|ai.onnx Affine|T >T|1+|T=d,f,h
|ai.onnx And|T T >T1|7+|T=? T1=?
|ai.onnx ArgMax|T >=i64|1-11|T=d,f,h
4-7|ai.onnx ArgMax|T >=i64|12|T=d,f,h
4-7|ai.onnx ArgMax|T >=i64|13+|T=d,f,h
|ai.onnx ArgMin|T >=i64|1-11|T=d,f,h
4-7|ai.onnx ArgMin|T >=i64|12|T=d,f,h
4-7|ai.onnx ArgMin|T >=i64|13+|T=d,f,h
7-7|ai.onnx Attention|T1 T1 T2 U T1 T2 =i64 >T1 >T1 >T2 >T1/T1 T1 T2 U T1 T2 >T1 >T1 >T2 >T1|23+|T1=b,f,h T2=b,f,h U=b,?,f,h
|ai.onnx AveragePool|T >T|10|T=d,f,h
0-5|ai.onnx AveragePool|T >T|11+|T=d,f,h
6-7|ai.onnx AveragePool|T >T|11-18|T=d,f,h
6-7|ai.onnx AveragePool|T >T|19-21|T=d,f,h
6-7|ai.onnx AveragePool|T >T|22+|T=b,d,f,h
|ai.onnx AveragePool|T >T|7-9|T=d,f,h
|ai.onnx BatchNormalization|T T T U U >T >U >U/T T T T T >T >T >T >T >T/T T1 T1 T2 T2 >T >T2 >T2|14|T=d,f,h U=d,f,h
|ai.onnx BatchNormalization|T T T U U >T >U >U/T T T T T >T >T >T >T >T/T T1 T1 T2 T2 >T >T2 >T2|15+|T=d,f,h T1=d,f,h T2=d,f,h
|ai.onnx BatchNormalization|T T T U U >T >U >U/T T T T T >T >T >T >T >T/T T1 T1 T2 T2 >T >T2 >T2|7-8|T=d,f,h
|ai.onnx BatchNormalization|T T T U U >T >U >U/T T T T T >T >T >T >T >T/T T1 T1 T2 T2 >T >T2 >T2|9-13|T=d,f,h
6-7|ai.onnx Cast|T1 >T2|13-18|T1=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 T2=b,?,d,f,h,float4e2m1,float8e4m3fn,float8e5m2,i16,i32,i64,i8,u16,u32,u64,u8
0-5|ai.onnx Cast|T1 >T2|13-18|T1=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 T2=b,?,d,f,h,float8e4m3fn,float8e5m2,i16,i32,i64,i8,u16,u32,u64,u8
0-5|ai.onnx Cast|T1 >T2|19+|T1=b,?,d,f,h,float8e4m3fn,float8e5m2,i16,i32,i64,i8,u16,u32,u64,u8 T2=b,?,d,f,h,float8e4m3fn,float8e5m2,i16,i32,i64,i8,u16,u32,u64,u8
6-7|ai.onnx Cast|T1 >T2|19-20|T1=b,?,d,f,h,float8e4m3fn,float8e5m2,i16,i32,i64,i8,u16,u32,u64,u8 T2=b,?,d,f,h,float4e2m1,float8e4m3fn,float8e5m2,i16,i32,i64,i8,u16,u32,u64,u8
6-7|ai.onnx Cast|T1 >T2|21-22|T1=b,?,d,f,h,float8e4m3fn,float8e5m2,i16,i32,i64,i8,u16,u32,u64,u8 T2=b,?,d,f,h,float4e2m1,float8e4m3fn,float8e5m2,i16,i32,i64,i8,u16,u32,u64,u8
6-7|ai.onnx Cast|T1 >T2|23+|T1=b,?,d,f,h,float4e2m1,float8e4m3fn,float8e5m2,i16,i32,i64,i8,u16,u32,u64,u8 T2=b,?,d,f,h,float4e2m1,float8e4m3fn,float8e5m2,i16,i32,i64,i8,u16,u32,u64,u8
6-7|ai.onnx Cast|T1 >T2|6-8|T1=?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 T2=b,?,d,f,h,float4e2m1,float8e4m3fn,float8e5m2,i16,i32,i64,i8,u16,u32,u64,u8
0-5|ai.onnx Cast|T1 >T2|6-8|T1=?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 T2=b,?,d,f,h,float8e4m3fn,float8e5m2,i16,i32,i64,i8,u16,u32,u64,u8
6-7|ai.onnx Cast|T1 >T2|9-12|T1=?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 T2=b,?,d,f,h,float4e2m1,float8e4m3fn,float8e5m2,i16,i32,i64,i8,u16,u32,u64,u8
0-5|ai.onnx Cast|T1 >T2|9-12|T1=?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 T2=b,?,d,f,h,float8e4m3fn,float8e5m2,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Ceil|T >T|13+|T=d,f,h
|ai.onnx Ceil|T >T|6-12|T=d,f,h
|ai.onnx Clip|T T T >T/T >T|11|T=f
|ai.onnx Clip|T T T >T/T >T|12|T=d,f,h,i64,i8,u64,u8
|ai.onnx Clip|T T T >T/T >T|13+|T=d,f,h,i64,i8,u64,u8
|ai.onnx Clip|T T T >T/T >T|6-10|T=f
|ai.onnx Compress|T T1 >T|11+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 T1=?
|ai.onnx Compress|T T1 >T|9-10|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 T1=?
|ai.onnx ConcatFromSequence|S >T|11+|S=
|ai.onnx Concat|T >T|11-12|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Concat|T >T|13+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Concat|T >T|4-10|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx ConstantOfShape|T1 >T2|9+|T1=i64 T2=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx ConvTranspose|T T T >T|1-10|T=d,f,h
|ai.onnx ConvTranspose|T T T >T|11+|T=d,f,h
|ai.onnx Conv|T T T >T|1-10|T=d,f,h
0-5|ai.onnx Conv|T T T >T|11+|T=d,f,h
6-7|ai.onnx Conv|T T T >T|11-21|T=d,f,h
6-7|ai.onnx Conv|T T T >T|22+|T=b,d,f,h
|ai.onnx Cos|T >T|7+|T=d,f,h
|ai.onnx Crop|T >T|1+|T=d,f,h
|ai.onnx CumSum|T T2 >T|11-13|T=d,f,i32,i64,u32,u64 T2=i32,i64
|ai.onnx CumSum|T T2 >T|14+|T=d,f,h,i32,i64,u32,u64 T2=i32,i64
|ai.onnx DepthToSpace|T >T|1-10|T=d,f,h
|ai.onnx DepthToSpace|T >T|11-12|T=d,f,h
|ai.onnx DepthToSpace|T >T|13+|T=d,f,h
6-7|ai.onnx DequantizeLinear|T =f T >=f/T1 T2 T1 >T2/T1 T2 T1 >T3|10-12|T=i8,u8
6-7|ai.onnx DequantizeLinear|T =f T >=f/T1 T2 T1 >T2/T1 T2 T1 >T3|13-18|T=i8,u8
6-7|ai.onnx DequantizeLinear|T =f T >=f/T1 T2 T1 >T2/T1 T2 T1 >T3|19-20|T1=float8e4m3fn,float8e5m2,i8,u8 T2=f,h
6-7|ai.onnx DequantizeLinear|T =f T >=f/T1 T2 T1 >T2/T1 T2 T1 >T3|21+|T1=float8e4m3fn,float8e5m2,int4,i8,uint4,u8 T2=f,h
0-5|ai.onnx DequantizeLinear|T =f T >=f/T1 T2 T1 >T2|10-12|T=i8,u8
0-5|ai.onnx DequantizeLinear|T =f T >=f/T1 T2 T1 >T2|13-18|T=i8,u8
0-2|ai.onnx DequantizeLinear|T =f T >=f/T1 T2 T1 >T2|19+|T1=float8e4m3fn,float8e5m2,i8,u8 T2=f,h
3-5|ai.onnx DequantizeLinear|T =f T >=f/T1 T2 T1 >T2|19-20|T1=float8e4m3fn,float8e5m2,i8,u8 T2=f,h
3-5|ai.onnx DequantizeLinear|T =f T >=f/T1 T2 T1 >T2|21+|T1=float8e4m3fn,float8e5m2,int4,i8,uint4,u8 T2=f,h
|ai.onnx Div|T T >T|13|T=b,d,f,h,i32,i64,u32,u64
4-7|ai.onnx Div|T T >T|14+|T=b,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
0-3|ai.onnx Div|T T >T|14+|T=b,d,f,h,i32,i64,u32,u64
|ai.onnx Div|T T >T|7-12|T=d,f,h,i32,i64,u32,u64
|ai.onnx Dropout|T T1 T2 >T >T2/T >T >T/T >T >T1|10-11|T=d,f,h T1=?
|ai.onnx Dropout|T T1 T2 >T >T2/T >T >T/T >T >T1|12|T=d,f,h T1=d,f,h T2=?
|ai.onnx Dropout|T T1 T2 >T >T2/T >T >T/T >T >T1|13+|T=b,d,f,h T1=b,d,f,h T2=?
|ai.onnx Dropout|T T1 T2 >T >T2/T >T >T/T >T >T1|7-9|T=d,f,h
|ai.onnx DynamicSlice|T Tind Tind Tind >T|1+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 Tind=i32,i64
|ai.onnx Einsum|T >T|12+|T=d,f,h
|ai.onnx Elu|T >T|6+|T=d,f,h
|ai.onnx Equal|T T >T1|11-12|T=?,d,f,h,i32,i64,u32,u64
|ai.onnx Equal|T T >T1|13+|T=?,d,f,h,i32,i64,u32,u64 T1=?
|ai.onnx Equal|T T >T1|7-10|T=?,i32,i64
1-7|ai.onnx Erf|T >T|13+|T=b,d,f,h
0-0|ai.onnx Erf|T >T|13+|T=d,f,h
|ai.onnx Erf|T >T|9-12|T=d,f,h
|ai.onnx Expand|T =i64 >T|13+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Expand|T =i64 >T|8-12|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
1-7|ai.onnx Exp|T >T|13+|T=b,d,f,h
0-0|ai.onnx Exp|T >T|13+|T=d,f,h
|ai.onnx Exp|T >T|6-12|T=d,f,h
|ai.onnx EyeLike|T1 >T2|9+|T1=d,f,i32,i64,u64 T2=d,f,i32,i64,u64
|ai.onnx Flatten|T >T|1-8|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Flatten|T >T|11-12|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Flatten|T >T|13+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Flatten|T >T|9-10|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Floor|T >T|13+|T=d,f,h
|ai.onnx Floor|T >T|6-12|T=d,f,h
|ai.onnx GRU|T T T T T1 T >T >T|14+|T=d,f,h T1=i32
|ai.onnx GRU|T T T T T1 T >T >T|7-13|T=d,f,h T1=i32
|ai.onnx GatherElements|T Tind >T|11-12|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 Tind=i32,i64
|ai.onnx GatherElements|T Tind >T|13+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 Tind=i32,i64
|ai.onnx GatherND|T =i64 >T|11|T=?,d,f,h,i64 indices=i64
|ai.onnx GatherND|T =i64 >T|12|T=?,d,f,h,i64 indices=i64
|ai.onnx GatherND|T =i64 >T|13+|T=b,?,d,f,h,i64 indices=i64
|ai.onnx Gather|T Tind >T|1-10|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 Tind=i32,i64
|ai.onnx Gather|T Tind >T|11-12|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 Tind=i32,i64
|ai.onnx Gather|T Tind >T|13+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 Tind=i32,i64
6-7|ai.onnx Gelu|T >T|20+|T=b,d,f,h
1-5|ai.onnx Gelu|T >T|20+|T=d,f,h
|ai.onnx Gemm|T T T >T|11-12|T=d,f,h
|ai.onnx Gemm|T T T >T|13+|T=b,d,f,h
|ai.onnx Gemm|T T T >T|7-8|T=d,f,h
|ai.onnx Gemm|T T T >T|9-10|T=d,f,h
|ai.onnx GlobalAveragePool|T >T|1+|T=d,f,h
|ai.onnx GlobalMaxPool|T >T|1+|T=d,f,h
|ai.onnx GreaterOrEqual|T T >T1|12-15|T=d,f,h,i32,i64,u32,u64 T1=?
|ai.onnx GreaterOrEqual|T T >T1|16+|T=d,f,h,i32,i64,u32,u64 T1=?
|ai.onnx Greater|T T >T1|13+|T=d,f,h,i32,i64,u32,u64 T1=?
|ai.onnx Greater|T T >T1|7-8|T=d,f,h
|ai.onnx Greater|T T >T1|9-12|T=d,f,h,i32,i64,u32,u64
1-7|ai.onnx GridSample|T1 T2 >T1|16+|T1=f T2=f
6-7|ai.onnx HardSigmoid|T >T|22+|T=b,d,f,h
0-5|ai.onnx HardSigmoid|T >T|6+|T=d,f,h
6-7|ai.onnx HardSigmoid|T >T|6-21|T=d,f,h
6-7|ai.onnx HardSwish|T >T|14-21|T=d,f,h
6-7|ai.onnx HardSwish|T >T|22+|T=b,d,f,h
|ai.onnx Identity|T >T/V >V|1-12|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Identity|T >T/V >V|13|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Identity|T >T/V >V|14-18|V=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Identity|T >T/V >V|19+|V=b,?,d,f,h,float8e4m3fn,float8e4m3fnuz,float8e5m2,float8e5m2fnuz,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx If|B >V|1-10|B=? V=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx If|B >V|11-12|B=? V=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx If|B >V|13-18|B=? V=b,?,d,f,h,i16,i32,i64,i8,s,u16,u32,u64,u8
|ai.onnx If|B >V|19+|B=? V=b,?,d,f,h,float8e4m3fn,float8e4m3fnuz,float8e5m2,float8e5m2fnuz,i16,i32,i64,i8,s,u16,u32,u64,u8
|ai.onnx ImageScaler|T >T|1+|T=d,f,h
|ai.onnx InstanceNormalization|T T T >T|6+|T=d,f,h
1-7|ai.onnx IsInf|T1 >T2|10-19|T1=d,f T2=?
1-7|ai.onnx IsInf|T1 >T2|20+|T1=b,d,f,h,float8e4m3fn,float8e4m3fnuz,float8e5m2,float8e5m2fnuz T2=?
1-7|ai.onnx IsNaN|T1 >T2|13-19|T1=b,d,f,h T2=?
1-7|ai.onnx IsNaN|T1 >T2|20+|T1=b,d,f,h,float8e4m3fn,float8e4m3fnuz,float8e5m2,float8e5m2fnuz T2=?
1-7|ai.onnx IsNaN|T1 >T2|9-12|T1=d,f,h T2=?
|ai.onnx LRN|T >T|1-12|T=d,f,h
|ai.onnx LRN|T >T|13+|T=d,f,h
|ai.onnx LSTM|T T T T T1 T T T >T >T >T|14+|T=d,f,h T1=i32
|ai.onnx LSTM|T T T T T1 T T T >T >T >T|7-13|T=d,f,h T1=i32
|ai.onnx LayerNormalization|T T T >T >U >U/T V V >V >U >U|1-16|T=b,d,f,h U=d,f V=b,d,f,h
|ai.onnx LayerNormalization|T T T >T >U >U/T V V >V >U >U|17+|T=b,d,f,h U=f
|ai.onnx LeakyRelu|T >T|16+|T=d,f,h
|ai.onnx LeakyRelu|T >T|6-15|T=d,f,h
|ai.onnx LessOrEqual|T T >T1|12-15|T=d,f,h,i32,i64,u32,u64 T1=?
|ai.onnx LessOrEqual|T T >T1|16+|T=d,f,h,i32,i64,u32,u64 T1=?
|ai.onnx Less|T T >T1|13+|T=d,f,h,i32,i64,u32,u64 T1=?
|ai.onnx Less|T T >T1|7-8|T=d,f,h
|ai.onnx Less|T T >T1|9-12|T=d,f,h,i32,i64,u32,u64
|ai.onnx LogSoftmax|T >T|1-10|T=d,f,h
|ai.onnx LogSoftmax|T >T|11-12|T=d,f,h
|ai.onnx LogSoftmax|T >T|13+|T=d,f,h
|ai.onnx Log|T >T|13+|T=d,f,h
|ai.onnx Log|T >T|6-12|T=d,f,h
|ai.onnx Loop|I B V >V|1-10|B=? I=i64 V=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Loop|I B V >V|11-12|B=? I=i64 V=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Loop|I B V >V|13-18|B=? I=i64 V=b,?,d,f,h,i16,i32,i64,i8,s,u16,u32,u64,u8
|ai.onnx Loop|I B V >V|19+|B=? I=i64 V=b,?,d,f,h,float8e4m3fn,float8e4m3fnuz,float8e5m2,float8e5m2fnuz,i16,i32,i64,i8,s,u16,u32,u64,u8
|ai.onnx MatMulInteger|T1 T2 T1 T2 >T3|10+|T1=i8 T2=i8 T3=i32
|ai.onnx MatMul|T T >T|1-8|T=d,f,h
|ai.onnx MatMul|T T >T|13+|T=b,d,f,h
|ai.onnx MatMul|T T >T|9-12|T=d,f,h
|ai.onnx MaxPool|T >T/T >T >I|1-7|T=d,f,h
|ai.onnx MaxPool|T >T/T >T >I|10|I=i64 T=d,f,h
|ai.onnx MaxPool|T >T/T >T >I|11|I=i64 T=d,f,h
|ai.onnx MaxPool|T >T/T >T >I|12+|I=i64 T=d,f,h,i8,u8
|ai.onnx MaxPool|T >T/T >T >I|8-9|I=i64 T=d,f,h
|ai.onnx Max|T >T|12|T=b,d,f,h,i32,i64,u32,u64
|ai.onnx Max|T >T|13+|T=b,d,f,h,i32,i64,u32,u64
|ai.onnx Max|T >T|6-11|T=b,d,f,h
|ai.onnx MemcpyFromHost|T >T|1+|T=b,?,d,f,h,float8e4m3fn,float8e4m3fnuz,float8e5m2,float8e5m2fnuz,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx MemcpyToHost|T >T|1+|T=b,?,d,f,h,float8e4m3fn,float8e4m3fnuz,float8e5m2,float8e5m2fnuz,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Min|T >T|12|T=b,d,f,h,i32,i64,u32,u64
|ai.onnx Min|T >T|13+|T=b,d,f,h,i32,i64,u32,u64
|ai.onnx Min|T >T|6-11|T=b,d,f,h
|ai.onnx Mod|T T >T|10-12|T=d,f,h,i32,i64,u32,u64
|ai.onnx Mod|T T >T|13+|T=b,d,f,h,i32,i64,u32,u64
|ai.onnx Mul|T T >T|13|T=b,d,f,h,i32,i64,u32,u64
4-7|ai.onnx Mul|T T >T|14+|T=b,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
0-3|ai.onnx Mul|T T >T|14+|T=b,d,f,h,i32,i64,u32,u64
|ai.onnx Mul|T T >T|7-12|T=d,f,h,i32,i64,u32,u64
|ai.onnx Neg|T >T|13+|T=b,d,f,h,i16,i32,i64,i8
|ai.onnx Neg|T >T|6-12|T=d,f,h,i16,i32,i64,i8
|ai.onnx NonZero|T >=i64|13+|T=?,f,h,i32,i64,u8
|ai.onnx NonZero|T >=i64|9-12|T=?,f,h,i32,i64,u8
|ai.onnx Not|T >T|1+|T=?
|ai.onnx OneHot|T1 T2 T3 >T3|11+|T1=i32,i64 T2=i32,i64 T3=f,h,i64
|ai.onnx Or|T T >T1|7+|T=? T1=?
|ai.onnx PRelu|T T >T|16+|T=d,f,h
|ai.onnx PRelu|T T >T|7-8|T=d,f,h
|ai.onnx PRelu|T T >T|9-15|T=d,f,h
|ai.onnx Pad|T =i64 T Tind >T/T =i64 T >T/T >T|11-12|T=d,f,h
0-0|ai.onnx Pad|T =i64 T Tind >T/T =i64 T >T/T >T|13+|T=?,d,f,h
1-7|ai.onnx Pad|T =i64 T Tind >T/T =i64 T >T/T >T|13-17|T=?,d,f,h
1-7|ai.onnx Pad|T =i64 T Tind >T/T =i64 T >T/T >T|18+|T=?,d,f,h
|ai.onnx Pad|T =i64 T Tind >T/T =i64 T >T/T >T|2-10|T=d,f,h
|ai.onnx ParametricSoftplus|T >T|1+|T=d,f,h
|ai.onnx Pow|T T >T/T T1 >T|12|T=d,f,h,i32,i64 T1=d,f,h,i32,i64
6-7|ai.onnx Pow|T T >T/T T1 >T|13-14|T=b,d,f,h,i32,i64 T1=d,f,h,i32,i64
0-5|ai.onnx Pow|T T >T/T T1 >T|13-14|T=d,f,h,i32,i64 T1=d,f,h,i32,i64
6-7|ai.onnx Pow|T T >T/T T1 >T|15+|T=b,d,f,h,i32,i64 T1=b,d,f,h,i32,i64
0-5|ai.onnx Pow|T T >T/T T1 >T|15+|T=d,f,h,i32,i64 T1=d,f,h,i32,i64
|ai.onnx Pow|T T >T/T T1 >T|7-11|T=d,f,h
0-5|ai.onnx QuantizeLinear|T1 T1 T2 >T2/T1 =f T2 >T2|10-12|T1=f T2=i8,u8
0-5|ai.onnx QuantizeLinear|T1 T1 T2 >T2/T1 =f T2 >T2|13-18|T1=f T2=i8,u8
0-2|ai.onnx QuantizeLinear|T1 T1 T2 >T2/T1 =f T2 >T2|19+|T1=f,h T2=float8e4m3fn,float8e5m2,i8,u8
3-5|ai.onnx QuantizeLinear|T1 T1 T2 >T2/T1 =f T2 >T2|19-20|T1=f,h T2=float8e4m3fn,float8e5m2,i8,u8
3-5|ai.onnx QuantizeLinear|T1 T1 T2 >T2/T1 =f T2 >T2|21+|T1=f,h T2=float8e4m3fn,float8e5m2,int4,i8,uint4,u8
6-7|ai.onnx QuantizeLinear|T1 T1 T2 >T2/T1 T2 T3 >T3/T1 =f T2 >T2|10-12|T1=f T2=i8,u8
6-7|ai.onnx QuantizeLinear|T1 T1 T2 >T2/T1 T2 T3 >T3/T1 =f T2 >T2|13-18|T1=f T2=i8,u8
6-7|ai.onnx QuantizeLinear|T1 T1 T2 >T2/T1 T2 T3 >T3/T1 =f T2 >T2|19-20|T1=f,h T2=float8e4m3fn,float8e5m2,i8,u8
6-7|ai.onnx QuantizeLinear|T1 T1 T2 >T2/T1 T2 T3 >T3/T1 =f T2 >T2|21+|T1=f,h T2=float8e4m3fn,float8e5m2,int4,i8,uint4,u8
6-7|ai.onnx RMSNormalization|T V >V|23+|T=b,d,f,h V=b,d,f,h
|ai.onnx RNN|T T T T T1 T >T >T|14+|T=d,f,h T1=i32
|ai.onnx RNN|T T T T T1 T >T >T|7-13|T=d,f,h T1=i32
|ai.onnx RandomNormalLike|T1 >T2|1+|T1=b,?,d,f,h,i16,i32,i64,i8,s,u16,u32,u64,u8 T2=d,f,h
|ai.onnx RandomNormal|>T|1+|T=d,f,h
|ai.onnx RandomUniformLike|T1 >T2|1+|T1=b,?,d,f,h,i16,i32,i64,i8,s,u16,u32,u64,u8 T2=d,f,h
|ai.onnx RandomUniform|>T|1+|T=d,f,h
|ai.onnx Range|T T T >T|11+|T=d,f,i16,i32,i64
|ai.onnx Reciprocal|T >T|13+|T=d,f,h
|ai.onnx Reciprocal|T >T|6-12|T=d,f,h
|ai.onnx ReduceL1|T =i64 >T/T >T|1-17|T=d,f,h,i32
|ai.onnx ReduceL1|T =i64 >T/T >T|18+|T=d,f,h,i32
|ai.onnx ReduceL2|T =i64 >T/T >T|1-17|T=d,f,h,i32
|ai.onnx ReduceL2|T =i64 >T/T >T|18+|T=d,f,h,i32
|ai.onnx ReduceLogSumExp|T =i64 >T/T >T|1-17|T=d,f,h
|ai.onnx ReduceLogSumExp|T =i64 >T/T >T|18+|T=d,f,h
|ai.onnx ReduceLogSum|T =i64 >T/T >T|1-17|T=d,f,h
|ai.onnx ReduceLogSum|T =i64 >T/T >T|18+|T=d,f,h
|ai.onnx ReduceMax|T =i64 >T/T >T|1-17|T=d,f,h,i32,i64
|ai.onnx ReduceMax|T =i64 >T/T >T|18+|T=d,f,h,i32,i64
|ai.onnx ReduceMean|T =i64 >T/T >T|1-17|T=d,f,h,i32
|ai.onnx ReduceMean|T =i64 >T/T >T|18+|T=d,f,h,i32
|ai.onnx ReduceMin|T =i64 >T/T >T|1-17|T=d,f,h,i32,i64,i8,u8
|ai.onnx ReduceMin|T =i64 >T/T >T|18+|T=d,f,h,i32,i64,i8,u8
|ai.onnx ReduceProd|T =i64 >T/T >T|1-17|T=d,f,h,i32
|ai.onnx ReduceProd|T =i64 >T/T >T|18+|T=d,f,h,i32
|ai.onnx ReduceSumSquare|T =i64 >T/T >T|1-17|T=d,f,h
|ai.onnx ReduceSumSquare|T =i64 >T/T >T|18+|T=d,f,h
|ai.onnx ReduceSum|T =i64 >T/T >T|1-12|T=d,f,h,i32,i64
|ai.onnx ReduceSum|T =i64 >T/T >T|13+|T=b,d,f,h,i32,i64
|ai.onnx Relu|T >T|13|T=b,d,f,h
|ai.onnx Relu|T >T|14+|T=b,d,f,h
|ai.onnx Relu|T >T|6-12|T=d,f,h
|ai.onnx Reshape|T =i64 >T/T >T|1-4|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Reshape|T =i64 >T/T >T|13|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 shape=i64
|ai.onnx Reshape|T =i64 >T/T >T|14-18|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 shape=i64
0-5|ai.onnx Reshape|T =i64 >T/T >T|19+|T=b,?,d,f,h,float8e4m3fn,float8e4m3fnuz,float8e5m2,float8e5m2fnuz,i16,i32,i64,i8,u16,u32,u64,u8 shape=i64
6-7|ai.onnx Reshape|T =i64 >T/T >T|19-20|T=b,?,d,f,h,float8e4m3fn,float8e4m3fnuz,float8e5m2,float8e5m2fnuz,i16,i32,i64,i8,u16,u32,u64,u8 shape=i64
6-7|ai.onnx Reshape|T =i64 >T/T >T|21-22|T=b,?,d,f,h,float8e4m3fn,float8e4m3fnuz,float8e5m2,float8e5m2fnuz,i16,i32,i64,i8,u16,u32,u64,u8 shape=i64
6-7|ai.onnx Reshape|T =i64 >T/T >T|23+|T=b,?,d,f,h,float8e4m3fn,float8e4m3fnuz,float8e5m2,float8e5m2fnuz,i16,i32,i64,i8,u16,u32,u64,u8 shape=i64
|ai.onnx Reshape|T =i64 >T/T >T|5-12|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 shape=i64
|ai.onnx Resize|T =f >T/T1 T2 =f =i64 >T1|10|T=d,f,h,i32,u8
|ai.onnx Resize|T =f >T/T1 T2 =f =i64 >T1|11-12|T1=d,f,h,i32,u8
0-0|ai.onnx Resize|T =f >T/T1 T2 =f =i64 >T1|13+|T1=d,f,h,i32,u8
1-7|ai.onnx Resize|T =f >T/T1 T2 =f =i64 >T1|13-17|T1=d,f,h,i32,u8
1-7|ai.onnx Resize|T =f >T/T1 T2 =f =i64 >T1|18+|T1=d,f,h,i32,u8
|ai.onnx ReverseSequence|T =i64 >T|10+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx RoiAlign|T1 T1 T2 >T1|10+|T1=d,f T2=i64
6-7|ai.onnx RotaryEmbedding|T T T M >T|23+|M=i64 T=b,f,h
|ai.onnx Round|T >T|11+|T=d,f,h
|ai.onnx ScaledTanh|T >T|1+|T=d,f,h
|ai.onnx Scan|V >V/I V >V|11-15|V=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Scan|V >V/I V >V|16-18|V=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Scan|V >V/I V >V|19+|V=b,?,d,f,h,float8e4m3fn,float8e4m3fnuz,float8e5m2,float8e5m2fnuz,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Scan|V >V/I V >V|8|I=i64 V=b,?,d,f,h,i16,i32,i64,i8,s,u16,u32,u64,u8
|ai.onnx Scan|V >V/I V >V|9-10|V=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx ScatterElements|T Tind T >T|11-12|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 Tind=i32,i64
0-0|ai.onnx ScatterElements|T Tind T >T|13+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 Tind=i32,i64
1-7|ai.onnx ScatterElements|T Tind T >T|13-15|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 Tind=i32,i64
1-7|ai.onnx ScatterElements|T Tind T >T|16-17|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 Tind=i32,i64
1-7|ai.onnx ScatterElements|T Tind T >T|18+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 Tind=i32,i64
|ai.onnx ScatterND|T =i64 T >T|11-12|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
0-0|ai.onnx ScatterND|T =i64 T >T|13+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
1-7|ai.onnx ScatterND|T =i64 T >T|13-15|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
1-7|ai.onnx ScatterND|T =i64 T >T|16-17|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
1-7|ai.onnx ScatterND|T =i64 T >T|18+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Scatter|T Tind T >T|9-10|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 Tind=i32,i64
|ai.onnx Selu|T >T|6+|T=d,f,h
|ai.onnx SequenceAt|S I >T|11+|I=i32,i64 S= T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx SequenceConstruct|T >S|11+|S= T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx SequenceEmpty|>S|11+|S=
|ai.onnx SequenceErase|S I >S|11+|I=i32,i64 S=
|ai.onnx SequenceInsert|S T I >S|11+|I=i32,i64 S=
|ai.onnx SequenceLength|S >I|11+|I=i64 S=
|ai.onnx Shape|T >T1|1-12|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 T1=i64
|ai.onnx Shape|T >T1|13-14|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 T1=i64
|ai.onnx Shape|T >T1|15-18|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 T1=i64
0-5|ai.onnx Shape|T >T1|19+|T=b,?,d,f,h,float8e4m3fn,float8e4m3fnuz,float8e5m2,float8e5m2fnuz,i16,i32,i64,i8,u16,u32,u64,u8 T1=i64
6-7|ai.onnx Shape|T >T1|19-20|T=b,?,d,f,h,float8e4m3fn,float8e4m3fnuz,float8e5m2,float8e5m2fnuz,i16,i32,i64,i8,u16,u32,u64,u8 T1=i64
6-7|ai.onnx Shape|T >T1|21-22|T=b,?,d,f,h,float8e4m3fn,float8e4m3fnuz,float8e5m2,float8e5m2fnuz,i16,i32,i64,i8,u16,u32,u64,u8 T1=i64
6-7|ai.onnx Shape|T >T1|23+|T=b,?,d,f,h,float8e4m3fn,float8e4m3fnuz,float8e5m2,float8e5m2fnuz,i16,i32,i64,i8,u16,u32,u64,u8 T1=i64
|ai.onnx Shrink|T >T|9+|T=d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Sigmoid|T >T|13+|T=b,d,f,h
|ai.onnx Sigmoid|T >T|6-12|T=d,f,h
5-7|ai.onnx Sign|T >T|13+|T=b,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
0-4|ai.onnx Sign|T >T|13+|T=d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
1-7|ai.onnx SimplifiedLayerNormalization|T V >V >U|1+|T=b,d,f,h U=d,f V=b,d,f,h
0-0|ai.onnx SimplifiedLayerNormalization|T V >V >U|1+|T=d,f,h U=d,f V=d,f,h
|ai.onnx Sin|T >T|7+|T=d,f,h
|ai.onnx Size|T >T1|1-12|T=b,?,d,f,h,i16,i32,i64,i8,s,u16,u32,u64,u8 T1=i64
|ai.onnx Size|T >T1|13+|T=b,?,d,f,h,i16,i32,i64,i8,s,u16,u32,u64,u8 T1=i64
|ai.onnx Slice|T Tind Tind Tind Tind >T/T >T|1-9|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Slice|T Tind Tind Tind Tind >T/T >T|10|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 Tind=i32,i64
|ai.onnx Slice|T Tind Tind Tind Tind >T/T >T|11-12|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 Tind=i32,i64
|ai.onnx Slice|T Tind Tind Tind Tind >T/T >T|13+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8 Tind=i32,i64
|ai.onnx Softmax|T >T|1-10|T=d,f,h
|ai.onnx Softmax|T >T|11-12|T=d,f,h
|ai.onnx Softmax|T >T|13+|T=b,d,f,h
|ai.onnx Softplus|T >T|1+|T=d,f,h
|ai.onnx Softsign|T >T|1+|T=d,f,h
|ai.onnx SpaceToDepth|T >T|1-12|T=d,f,h
|ai.onnx SpaceToDepth|T >T|13+|T=d,f,h
|ai.onnx Split|T T >T/T =i64 >T/T >T|11-12|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Split|T T >T/T =i64 >T/T >T|13-17|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Split|T T >T/T =i64 >T/T >T|18+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Split|T T >T/T =i64 >T/T >T|2-10|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
1-7|ai.onnx Sqrt|T >T|13+|T=b,d,f,h
0-0|ai.onnx Sqrt|T >T|13+|T=d,f,h
|ai.onnx Sqrt|T >T|6-12|T=d,f,h
|ai.onnx Squeeze|T =i64 >T/T >T|1-10|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Squeeze|T =i64 >T/T >T|11-12|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
0-5|ai.onnx Squeeze|T =i64 >T/T >T|13+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
6-7|ai.onnx Squeeze|T =i64 >T/T >T|13-20|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
6-7|ai.onnx Squeeze|T =i64 >T/T >T|21-22|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
6-7|ai.onnx Squeeze|T =i64 >T/T >T|23+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Sub|T T >T|13|T=b,d,f,h,i32,i64,u32,u64
4-7|ai.onnx Sub|T T >T|14+|T=b,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
0-3|ai.onnx Sub|T T >T|14+|T=b,d,f,h,i32,i64,u32,u64
|ai.onnx Sub|T T >T|7-12|T=d,f,h,i32,i64,u32,u64
|ai.onnx Sum|T >T|13+|T=b,d,f,h
|ai.onnx Sum|T >T|6-7|T=b,d,f,h
|ai.onnx Sum|T >T|8-12|T=b,d,f,h
|ai.onnx Tanh|T >T|13+|T=b,d,f,h
|ai.onnx Tanh|T >T|6-12|T=d,f,h
|ai.onnx ThresholdedRelu|T >T|1+|T=d,f,h
|ai.onnx ThresholdedRelu|T >T|10+|T=d,f,h
2-7|ai.onnx Tile|T T1 >T/T T T >T|13+|T=b,d,f,h,i32,i64 T1=i64
0-1|ai.onnx Tile|T T1 >T/T T T >T|13+|T=d,f,h,i32,i64 T1=i64
|ai.onnx Tile|T T1 >T/T T T >T|6-12|T=d,f,h,i32,i64 T1=i64
|ai.onnx TopK|T =i64 >T >I/T >T >I|1-9|T=d,f,h,i32,i64
|ai.onnx TopK|T =i64 >T >I/T >T >I|10|I=i64 T=d,f,h,i32,i64
|ai.onnx TopK|T =i64 >T >I/T >T >I|11+|I=i64 T=d,f,h,i32,i64
|ai.onnx Transpose|T >T|1-12|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
0-5|ai.onnx Transpose|T >T|13+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
6-7|ai.onnx Transpose|T >T|13-20|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
6-7|ai.onnx Transpose|T >T|21-22|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
6-7|ai.onnx Transpose|T >T|23+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Trilu|T =i64 >T|14+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Unsqueeze|T =i64 >T/T >T|1-10|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Unsqueeze|T =i64 >T/T >T|11-12|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
0-5|ai.onnx Unsqueeze|T =i64 >T/T >T|13+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
6-7|ai.onnx Unsqueeze|T =i64 >T/T >T|13-20|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
6-7|ai.onnx Unsqueeze|T =i64 >T/T >T|21-22|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
6-7|ai.onnx Unsqueeze|T =i64 >T/T >T|23+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|ai.onnx Upsample|T =f >T/T >T|7-8|T=d,f,h,i32,u8
|ai.onnx Upsample|T =f >T/T >T|9|T=d,f,h,i32,u8
|ai.onnx Where|B T T >T|16+|B=? T=b,d,f,h,i32,i64,u8
|ai.onnx Where|B T T >T|9-15|B=? T=d,f,h,i32,i64,u8
|ai.onnx Xor|T T >T1|7+|T=? T1=?
6-7|com.microsoft Attention|T T T M T T M >T >T|1+|T=b,f,h
0-5|com.microsoft Attention|T T T M T T M >T >T|1+|T=f,h
|com.microsoft BeamSearch|F I I I I T T M M I I I >I >T >T|1+|T=f,h
|com.microsoft BiasAdd|T T T >T|1+|T=f,h
|com.microsoft BiasDropout|T T T T1 T2 >T >T2|1+|T=b,d,f,h T1=b,d,f,h T2=?
|com.microsoft BiasGelu|T T >T|1+|T=b,d,f,h
|com.microsoft BiasSoftmax|T T >T|1+|T=d,f,h
|com.microsoft BiasSplitGelu|T T >T|1+|T=f,h
|com.microsoft BitmaskBiasDropout|T T T T1 T2 >T >T3|1+|T=b,d,f,h T1=b,d,f,h T2=? T3=u32
|com.microsoft BitmaskDropout|T T1 T2 >T >T3|1+|T=b,d,f,h T1=b,d,f,h T2=? T3=u32
|com.microsoft ComplexMulConj|T T >T|1+|T=f,h
|com.microsoft ComplexMul|T T >T|1+|T=f,h
|com.microsoft ConvTransposeWithDynamicPads|T T =i64 T >T|1+|T=f
|com.microsoft DecoderAttention|T T T T T B T T B B B B >T >T >T|1+|T=f,h
5-7|com.microsoft DecoderMaskedMultiHeadAttention|T T T M T T T M M M T >T >T >T >QK|1+|QK=f,h T=f,h
0-4|com.microsoft DecoderMaskedMultiHeadAttention|T T T M T T T M M M T >T >T >T >V|1+|T=f,h
|com.microsoft DecoderMaskedSelfAttention|T T T M T T M M M >T >T|1+|T=f,h
|com.microsoft DequantizeLinear|T1 T2 T1 >T2|1+|T1=i8,u8 T2=h
|com.microsoft DequantizeWithOrder|Q S >F|1+|F=f,h Q=i8 S=f
|com.microsoft DynamicTimeWarping|F >I|1+|F=f I=i32
|com.microsoft EmbedLayerNormalization|T1 T1 T T T T T T1 T1 >T >T1 >T|1+|T=f,h
4-7|com.microsoft FastGelu|T T >T|1+|T=b,d,f,h
0-3|com.microsoft FastGelu|T T >T|1+|T=b,f,h
|com.microsoft FusedConv|T T T T >T|1+|T=f
|com.microsoft FusedMatMul|T T >T|1+|T=b,d,f,h
|com.microsoft GatedRelativePositionBias|T T T T T T M >T|1+|T=f,h
6-7|com.microsoft GatherBlockQuantized|T1 Tind T2 T1 >T2|1+|T1=int4,uint4,u8 T2=b,f,h Tind=i32,i64
4-7|com.microsoft Gelu|T >T|1+|T=b,d,f,h
0-3|com.microsoft Gelu|T >T|1+|T=d,f,h
|com.microsoft GemmFloat8|TA TB TC TS TS TS >TR|1+|TA=b,f,h,float8e4m3fn,float8e5m2 TB=b,f,h,float8e4m3fn,float8e5m2 TR=b,f,h,float8e4m3fn,float8e5m2 TS=f
1-7|com.microsoft GemmaRotaryEmbedding|U T T T T >T >T|1+|T=h U=f
|com.microsoft GreedySearch|I I I T I I I >I|1+|T=f,h
|com.microsoft GridSample|T1 T1 >T2|1+|T1=f T2=f
|com.microsoft GroupNorm|T M M >T|1+|T=f,h
0-0|com.microsoft GroupQueryAttention|T T T T T M M >T >T >T|1+|M=i32 T=b,h
5-5|com.microsoft GroupQueryAttention|T T T T T M M T T =i64 T >T >T >T|1+|M=i32 T=b,h
6-7|com.microsoft GroupQueryAttention|T T T T T M M T T =i64 T T >T >T >T >T|1+|M=i32 T=b,h
1-4|com.microsoft GroupQueryAttention|T T T T T M M T T >T >T >T|1+|M=i32 T=b,h
|com.microsoft Inverse|T >T|1+|T=d,f,h
|com.microsoft Irfft|T >T|1+|T=d,f,h
|com.microsoft LongformerAttention|T T T T T T G >T|1+|T=f,h
|com.microsoft MatMulBnb4|T1 T2 T1 >T1|1+|T1=b,f,h T2=u8
0-0|com.microsoft MatMulNBits|T1 T2 T1 T2 >T1|1+|T1=f,h T2=u8
1-1|com.microsoft MatMulNBits|T1 T2 T1 T3 T4 >T1|1+|T1=f,h T2=u8
6-7|com.microsoft MatMulNBits|T1 T2 T1 T3 T4 T1 >T1|1+|T1=b,f,h T2=u8 T3=b,f,h,u8
2-5|com.microsoft MatMulNBits|T1 T2 T1 T3 T4 T1 >T1|1+|T1=f,h T2=u8
0-0|com.microsoft MoE|T T T T T T >T|1+|T=f,h
6-7|com.microsoft MoE|T T T T T T T T >T|1+|T=b,f,h
1-5|com.microsoft MoE|T T T T T T T T >T|1+|T=f,h
0-4|com.microsoft MultiHeadAttention|T T T T M T T T >T >T >T|1+|T=f,h
6-7|com.microsoft MultiHeadAttention|T T T T M T T T M M >T >T >T >QK|1+|QK=b,f,h T=b,f,h
5-5|com.microsoft MultiHeadAttention|T T T T M T T T M M >T >T >T >QK|1+|QK=f,h T=f,h
|com.microsoft NGramRepeatBlock|Tid T >T|1+|T=f Tid=i64
|com.microsoft NhwcConv|T T T >T|1+|T=f,h
|com.microsoft PackedAttention|T T T M M T >T|1+|T=f,h
|com.microsoft PackedMultiHeadAttention|T T T T M M T >T|1+|T=f,h
6-7|com.microsoft PagedAttention|T T T T T S S S T T >T >T >T|1+|S=i32 T=b,h
|com.microsoft QAttention|T1 T2 T3 T3 T3 T4 T1 T2 T3 >T3 >T3|1+|T1=i8 T2=i8 T3=f,h T4=i32
1-5|com.microsoft QMoE|T T T1 T T T1 T T T1 T T >T|1+|T=h T1=u8
6-6|com.microsoft QMoE|T T T1 T2 T T1 T2 T T1 T2 T >T|1+|T=b,h T1=u8 T2=b,h
7-7|com.microsoft QMoE|T T T1 T2 T T1 T2 T T1 T2 T T1 T1 T1 >T|1+|T=b,h T1=u8 T2=b,h
|com.microsoft QOrderedAttention|Q S S S S Q Q Q S S S S S S S S S G Q S >Q|1+|G=i32 Q=i8 S=f
|com.microsoft QOrderedGelu|Q S S >Q|1+|Q=i8 S=f
|com.microsoft QOrderedLayerNormalization|Q S F F S >Q|1+|F=f,h Q=i8 S=f
|com.microsoft QOrderedLongformerAttention|Q S Q S S S S F Q S S S G S >Q|1+|F=h G=i32 Q=i8 S=f
|com.microsoft QOrderedMatMul|Q S Q S S S Q S >Q|1+|Q=i8 S=f
|com.microsoft QuantizeLinear|T1 T1 T2 >T2|1+|T1=h T2=i8,u8
|com.microsoft QuantizeWithOrder|F S >Q|1+|F=f,h Q=i8 S=f
6-7|com.microsoft QuickGelu|T >T|1+|T=b,d,f,h
0-5|com.microsoft QuickGelu|T >T|1+|T=d,f,h
|com.microsoft RelativePositionBias|T U U >T|1+|T=f,h
|com.microsoft RemovePadding|T M >T >M >M >M|1+|T=f,h
|com.microsoft RestorePadding|T M >T|1+|T=f,h
|com.microsoft Rfft|T >T|1+|T=d,f,h
1-7|com.microsoft RotaryEmbedding|T M T T >T|1+|M=i64 T=b,f,h
0-0|com.microsoft RotaryEmbedding|T M T T >T|1+|M=i64 T=f,h
|com.microsoft Sampling|I I I T I I I I I >I >T|1+|T=f,h
|com.microsoft SkipGroupNorm|T M M T T >T >T|1+|T=f,h
6-7|com.microsoft SkipLayerNormalization|T T T T T >T >U >U >T|1+|T=b,f,h
0-5|com.microsoft SkipLayerNormalization|T T T T T >T >U >U >T|1+|T=f,h
6-7|com.microsoft SkipSimplifiedLayerNormalization|T T T T >T >U >U >T|1+|T=b,f,h
0-5|com.microsoft SkipSimplifiedLayerNormalization|T T T T >T >U >U >T|1+|T=f,h
2-7|com.microsoft SparseAttention|T T T T T M M M M T T >T >T >T|1+|M=i32 T=b,h
|com.microsoft TransposeMatMul|T T >T|1+|T=b,d,f,h
|com.microsoft Trilu|T =i64 >T|1+|T=b,?,d,f,h,i16,i32,i64,i8,u16,u32,u64,u8
|com.microsoft UnfoldTensor|T >T|1+|T=b,?,d,f,h,i16,i32,i64,i8,s,u16,u32,u64,u8
0-0|com.microsoft WhisperBeamSearch|F I I I I T T M M I I I I I >I >T >T >V >T|1+|T=f,h
1-7|com.microsoft WhisperBeamSearch|F I I I I T T M M I I I I I T >I >T >T >V >T|1+|T=f,h
4-7|com.ms.internal.nhwc AveragePool|T >T|10|T=f,h
4-5|com.ms.internal.nhwc AveragePool|T >T|11+|T=f,h
6-7|com.ms.internal.nhwc AveragePool|T >T|11-18|T=f,h
6-7|com.ms.internal.nhwc AveragePool|T >T|19-21|T=f,h
6-7|com.ms.internal.nhwc AveragePool|T >T|22+|T=f,h
4-7|com.ms.internal.nhwc AveragePool|T >T|7-9|T=f,h
4-7|com.ms.internal.nhwc BatchNormalization|T T T U U >T >U >U/T T T T T >T >T >T >T >T/T T1 T1 T2 T2 >T >T2 >T2|14|T=d,f,h U=d,f,h
4-7|com.ms.internal.nhwc BatchNormalization|T T T U U >T >U >U/T T T T T >T >T >T >T >T/T T1 T1 T2 T2 >T >T2 >T2|15+|T=d,f,h T1=d,f,h T2=d,f,h
4-7|com.ms.internal.nhwc BatchNormalization|T T T U U >T >U >U/T T T T T >T >T >T >T >T/T T1 T1 T2 T2 >T >T2 >T2|7-8|T=d,f,h
4-7|com.ms.internal.nhwc BatchNormalization|T T T U U >T >U >U/T T T T T >T >T >T >T >T/T T1 T1 T2 T2 >T >T2 >T2|9-13|T=d,f,h
4-7|com.ms.internal.nhwc ConvTranspose|T T T >T|1-10|T=f,h
4-7|com.ms.internal.nhwc ConvTranspose|T T T >T|11+|T=f,h
4-7|com.ms.internal.nhwc Conv|T T T >T|1-10|T=f,h
4-5|com.ms.internal.nhwc Conv|T T T >T|11+|T=f,h
6-7|com.ms.internal.nhwc Conv|T T T >T|11-21|T=f,h
6-7|com.ms.internal.nhwc Conv|T T T >T|22+|T=f,h
4-7|com.ms.internal.nhwc DepthToSpace|T >T|1-10|T=d,f,h
4-7|com.ms.internal.nhwc DepthToSpace|T >T|11-12|T=d,f,h
4-7|com.ms.internal.nhwc DepthToSpace|T >T|13+|T=d,f,h
4-7|com.ms.internal.nhwc GlobalAveragePool|T >T|1+|T=f,h
4-7|com.ms.internal.nhwc GlobalMaxPool|T >T|1+|T=f,h
4-7|com.ms.internal.nhwc GridSample|T1 T2 >T1|16+|T1=f T2=f
4-7|com.ms.internal.nhwc LRN|T >T|1-12|T=d,f,h
4-7|com.ms.internal.nhwc LRN|T >T|13+|T=d,f,h
4-7|com.ms.internal.nhwc MaxPool|T >T/T >T >I|1-7|T=f,h
4-7|com.ms.internal.nhwc MaxPool|T >T/T >T >I|10|I=i64 T=f,h
4-7|com.ms.internal.nhwc MaxPool|T >T/T >T >I|11|I=i64 T=f,h
4-7|com.ms.internal.nhwc MaxPool|T >T/T >T >I|12+|I=i64 T=f,h,i8,u8
4-7|com.ms.internal.nhwc MaxPool|T >T/T >T >I|8-9|I=i64 T=f,h
4-7|com.ms.internal.nhwc SpaceToDepth|T >T|1-12|T=d,f,h
4-7|com.ms.internal.nhwc SpaceToDepth|T >T|13+|T=d,f,h
`
