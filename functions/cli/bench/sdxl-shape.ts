/**
 * The configurations of stable-diffusion-xl-base-1.0, where they differ from their classes'
 * defaults: what makes a repository of random weights as large as the real one.
 */
export const SDXL_CONFIGS = {
  text_encoder: {
    hidden_size: 768,
    intermediate_size: 3072,
    num_attention_heads: 12,
    num_hidden_layers: 12,
    projection_dim: 768,
    eos_token_id: 2,
  },
  text_encoder_2: {
    hidden_size: 1280,
    intermediate_size: 5120,
    num_attention_heads: 20,
    num_hidden_layers: 32,
    projection_dim: 1280,
    hidden_act: 'gelu',
    eos_token_id: 2,
  },
  unet: {
    sample_size: 128,
    addition_embed_type: 'text_time',
    addition_time_embed_dim: 256,
    projection_class_embeddings_input_dim: 2816,
    attention_head_dim: [5, 10, 20],
    block_out_channels: [320, 640, 1280],
    cross_attention_dim: 2048,
    down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
    up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
    transformer_layers_per_block: [1, 2, 10],
    use_linear_projection: true,
  },
  vae: {
    block_out_channels: [128, 256, 512, 512],
    layers_per_block: 2,
    scaling_factor: 0.13025,
    up_block_types: [
      'UpDecoderBlock2D',
      'UpDecoderBlock2D',
      'UpDecoderBlock2D',
      'UpDecoderBlock2D',
    ],
  },
} as const;

/** TAESDXL's configuration: its class's defaults. */
export const TAESDXL_CONFIG = { _class_name: 'AutoencoderTiny' } as const;
