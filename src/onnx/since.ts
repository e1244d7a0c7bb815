/**
 * The opset versions in which an operator of the default domain was defined anew, from onnx.defs of onnx 1.19.1. A kernel
 * serves the definition it was written for, and not a later one. Operators with one definition are left out.
 */
const SINCE = `
Abs 1,6,13
Add 1,6,7,13,14
And 1,7
ArgMax 1,11,12,13
ArgMin 1,11,12,13
Attention 23,24
AveragePool 1,7,10,11,19,22
BatchNormalization 1,6,7,9,14,15
Cast 1,6,9,13,19,21,23,24
Ceil 1,6,13
Clip 1,6,11,12,13
Compress 9,11
Concat 1,4,11,13
ConstantOfShape 9,20,21,23,24
Conv 1,11,22
ConvTranspose 1,11,22
Cos 7,22
CumSum 11,14
DepthToSpace 1,11,13
DequantizeLinear 10,13,19,21,23,24
Div 1,6,7,13,14
Dropout 1,6,7,10,12,13,22
Elu 1,6,22
Equal 1,7,11,13,19
Erf 9,13
Exp 1,6,13
Expand 8,13
EyeLike 9,22
Flatten 1,9,11,13,21,23,24
Floor 1,6,13
GRU 1,3,7,14,22
Gather 1,11,13
GatherElements 11,13
GatherND 11,12,13
Gemm 1,6,7,9,11,13
GlobalAveragePool 1,22
GlobalMaxPool 1,22
Greater 1,7,9,13
GreaterOrEqual 12,16
GridSample 16,20,22
HardSigmoid 1,6,22
HardSwish 14,22
Identity 1,13,14,16,19,21,23,24
If 1,11,13,16,19,21,23,24
InstanceNormalization 1,6,22
IsInf 10,20
IsNaN 9,13,20
LRN 1,13
LSTM 1,7,14,22
LeakyRelu 1,6,16
Less 1,7,9,13
LessOrEqual 12,16
Log 1,6,13
LogSoftmax 1,11,13
Loop 1,11,13,16,19,21,23,24
MatMul 1,9,13
Max 1,6,8,12,13
MaxPool 1,8,10,11,12,22
Min 1,6,8,12,13
Mod 10,13
Mul 1,6,7,13,14
Neg 1,6,13
NonZero 9,13
OneHot 9,11
Or 1,7
PRelu 1,6,7,9,16
Pad 1,2,11,13,18,19,21,23,24
Pow 1,7,12,13,15
QuantizeLinear 10,13,19,21,23,24
RNN 1,7,14,22
RandomNormal 1,22
RandomNormalLike 1,22
RandomUniform 1,22
RandomUniformLike 1,22
Reciprocal 1,6,13
ReduceL1 1,11,13,18
ReduceL2 1,11,13,18
ReduceLogSum 1,11,13,18
ReduceLogSumExp 1,11,13,18
ReduceMax 1,11,12,13,18,20
ReduceMean 1,11,13,18
ReduceMin 1,11,12,13,18,20
ReduceProd 1,11,13,18
ReduceSum 1,11,13
ReduceSumSquare 1,11,13,18
Relu 1,6,13,14
Reshape 1,5,13,14,19,21,23,24
Resize 10,11,13,18,19
RoiAlign 10,16,22
Round 11,22
Scan 8,9,11,16,19,21,23,24
Scatter 9,11
ScatterElements 11,13,16,18
ScatterND 11,13,16,18
Selu 1,6,22
Shape 1,13,15,19,21,23,24
Sigmoid 1,6,13
Sign 9,13
Sin 7,22
Size 1,13,19,21,23,24
Slice 1,10,11,13
Softmax 1,11,13
Softplus 1,22
Softsign 1,22
SpaceToDepth 1,13
Split 1,2,11,13,18
Sqrt 1,6,13
Squeeze 1,11,13,21,23,24
Sub 1,6,7,13,14
Sum 1,6,8,13
Tanh 1,6,13
ThresholdedRelu 10,22
Tile 1,6,13
TopK 1,10,11,24
Transpose 1,13,21,23,24
Unsqueeze 1,11,13,21,23,24
Upsample 1,7,9,10
Where 9,16
Xor 1,7
`

/** Operators that are functions of others and have no kernel of their own anywhere: ONNX Runtime writes their body in their place. */
export const EXPANDED: ReadonlySet<string> = new Set('Bernoulli CastLike CenterCropPad GroupNormalization Mish NegativeLogLikelihoodLoss SequenceMap SoftmaxCrossEntropyLoss Swish'.split(' '))

const table = new Map(SINCE.trim().split('\n').map((line) => [line.split(' ')[0]!, line.split(' ')[1]!.split(',').map(Number)] as const))

/** The definition of an operator that holds in an opset; null = it has been the same since it came. */
export const sinceOf = (op: string, opset: number): number | null => table.get(op)?.filter((version) => version <= opset).at(-1) ?? null
