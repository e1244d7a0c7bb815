"""Speech-shaped graphs, quantised with onnxruntime's own tools. Weights are random: only where nodes run matters."""
import sys, os, numpy as np, onnx
from onnx import helper as h, numpy_helper as nh, TensorProto as T
from onnxruntime.quantization import quantize_dynamic, quantize_static, QuantFormat, QuantType, CalibrationDataReader
out=sys.argv[1]; os.makedirs(out,exist_ok=True)
rng=np.random.default_rng(0)
def W(name,*s): return nh.from_array((rng.standard_normal(s)*0.1).astype('f'),name)
def encoder(opset=17):
    n=h.make_node; D=8
    init=[W('cw',D,16,3),W('cb',D),W('q',D,D),W('k',D,D),W('v',D,D),W('o',D,D),W('f1',D,4*D),W('f2',4*D,D),W('b1',4*D),W('lnw',D),W('lnb',D),
          nh.from_array(np.array([0,-1,2,4],dtype=np.int64),'s4'),nh.from_array(np.array(0.25,dtype='f'),'sc'),nh.from_array(np.array([1],dtype=np.int64),'i1')]
    nodes=[n('Conv',['x','cw','cb'],['c'],kernel_shape=[3],pads=[1,1],name='conv'),n('Relu',['c'],['cr'],name='relu'),n('Transpose',['cr'],['h'],perm=[0,2,1],name='tr'),
     n('LayerNormalization',['h','lnw','lnb'],['ln'],axis=-1,name='ln0'),
     *[m for p in 'qkv' for m in (n('MatMul',['ln',p],[p+'m'],name='mm_'+p),n('Reshape',[p+'m','s4'],[p+'r'],name='rs_'+p))],
     n('Transpose',['qr'],['qt'],perm=[0,2,1,3],name='tq'),n('Transpose',['kr'],['kt'],perm=[0,2,3,1],name='tk'),n('Transpose',['vr'],['vt'],perm=[0,2,1,3],name='tv'),
     n('MatMul',['qt','kt'],['a0'],name='qk'),n('Mul',['a0','sc'],['a1'],name='scale'),n('Softmax',['a1'],['a'],axis=-1,name='sm'),n('MatMul',['a','vt'],['av'],name='av'),
     n('Transpose',['av'],['at'],perm=[0,2,1,3],name='to'),n('Shape',['ln'],['shp'],name='shape'),n('Reshape',['at','shp'],['ar'],name='ro'),
     n('MatMul',['ar','o'],['om'],name='mm_o'),n('Add',['om','h'],['r1'],name='res1'),n('MatMul',['r1','f1'],['g0'],name='ff1'),n('Add',['g0','b1'],['g1'],name='ffb'),
     n('Sigmoid',['g1'],['g2'],name='sig'),n('Mul',['g1','g2'],['g3'],name='swish'),n('MatMul',['g3','f2'],['g4'],name='ff2'),n('Add',['g4','r1'],['y'],name='res2'),
     n('Gather',['shp','i1'],['len0'],axis=0,name='len')]
    g=h.make_graph(nodes,'encoder',[h.make_tensor_value_info('x',T.FLOAT,['n',16,'t'])],[h.make_tensor_value_info('y',T.FLOAT,['n','t',D]),h.make_tensor_value_info('len0',T.INT64,[1])],init)
    m=h.make_model(g,producer_name='asr-doctor test',opset_imports=[h.make_opsetid('',opset)]); m.ir_version=8
    onnx.checker.check_model(m); return m
class Cal(CalibrationDataReader):
    def __init__(s): s.d=iter([{'x':rng.standard_normal((1,16,40)).astype('f')} for _ in range(3)])
    def get_next(s): return next(s.d,None)
def joiner(opset=17):
    n=h.make_node; D=8
    init=[W('e',D,D),W('p',D,D),W('j',D,24),W('jb',24)]
    nodes=[n('MatMul',['enc','e'],['a'],name='m1'),n('MatMul',['dec','p'],['b'],name='m2'),n('Add',['a','b'],['c'],name='add'),n('Tanh',['c'],['t'],name='tanh'),n('Gemm',['t','j','jb'],['y'],name='gemm'),n('ArgMax',['y'],['best'],axis=-1,keepdims=0,name='argmax')]
    g=h.make_graph(nodes,'joiner',[h.make_tensor_value_info('enc',T.FLOAT,['n',D]),h.make_tensor_value_info('dec',T.FLOAT,['n',D])],[h.make_tensor_value_info('y',T.FLOAT,['n',24]),h.make_tensor_value_info('best',T.INT64,['n'])],init)
    m=h.make_model(g,producer_name='asr-doctor test',opset_imports=[h.make_opsetid('',opset)]); m.ir_version=8; return m
def decoder(opset=17):
    n=h.make_node; D=8
    init=[W('emb',24,D),W('w',1,4*D,D),W('r',1,4*D,D),W('b',1,8*D),W('pj',D,D),nh.from_array(np.array([1],dtype=np.int64),'ax')]
    nodes=[n('Gather',['tok','emb'],['e0'],axis=0,name='embg') ]
    nodes=[n('Gather',['emb','tok'],['e0'],axis=0,name='embg'),n('Transpose',['e0'],['e1'],perm=[1,0,2],name='t0'),n('LSTM',['e1','w','r','b'],['o0','hn','cn'],hidden_size=D,name='lstm'),n('Squeeze',['o0','ax'],['o1'],name='sq'),n('MatMul',['o1','pj'],['y'],name='pjm')]
    g=h.make_graph(nodes,'decoder',[h.make_tensor_value_info('tok',T.INT64,['n','u'])],[h.make_tensor_value_info('y',T.FLOAT,None),h.make_tensor_value_info('hn',T.FLOAT,None)],init)
    m=h.make_model(g,producer_name='asr-doctor test',opset_imports=[h.make_opsetid('',opset)]); m.ir_version=8; return m
class CalD(Cal):
    def __init__(s): s.d=iter([{'tok':rng.integers(0,23,(1,5))} for _ in range(3)])
class CalJ(Cal):
    def __init__(s): s.d=iter([{'enc':rng.standard_normal((4,8)).astype('f'),'dec':rng.standard_normal((4,8)).astype('f')} for _ in range(3)])
for name,make,cal in (('encoder',encoder,Cal),('joiner',joiner,CalJ),('decoder',decoder,CalD)):
    f=f'{out}/{name}.onnx'; onnx.save(make(),f)
    quantize_dynamic(f,f'{out}/{name}.dynamic-u8.int8.onnx',weight_type=QuantType.QUInt8)
    quantize_dynamic(f,f'{out}/{name}.dynamic-i8.int8.onnx',weight_type=QuantType.QInt8)
    quantize_dynamic(f,f'{out}/{name}.dynamic-matmul.int8.onnx',weight_type=QuantType.QInt8,op_types_to_quantize=['MatMul'])
    for fmt in ('QDQ','QOperator'):
        for at in ('QInt8','QUInt8'):
            quantize_static(f,f'{out}/{name}.static-{fmt.lower()}-{at[1:].lower()}.int8.onnx',cal(),quant_format=QuantFormat[fmt],activation_type=QuantType[at],weight_type=QuantType.QInt8)
    try:
        from onnxruntime.transformers.float16 import convert_float_to_float16
        onnx.save(convert_float_to_float16(onnx.load(f),keep_io_types=True),f'{out}/{name}.fp16.onnx')
    except Exception as e: print('fp16',e)
    try:
        from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
        q=MatMulNBitsQuantizer(onnx.load(f),block_size=32,is_symmetric=True); q.process(); q.model.save_model_to_file(f'{out}/{name}.int4.onnx')
    except Exception as e: print('int4',type(e),e)
