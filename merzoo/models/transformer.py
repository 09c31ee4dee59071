"""The blocks of a Vision Transformer, which several networks have.

Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale",
ICLR 2021.
"""

from keras import layers

from merzoo.layers import ClassAndPositionTokens


def transformer_blocks(x, depth, heads, *, key_dim=None, hidden=None, dropout=0.0, name="vit"):
    """Tokens through blocks of attention and a feed-forward network, both normed before: the same
    shape (N, dim).

    Args:
        x: tokens (N, dim).
        depth: blocks.
        heads: of each attention.
        key_dim: channels of a head; `None` for dim / heads.
        hidden: width of the feed-forward network; `None` for 4 dim.
        dropout: rate behind each attention and each dense layer's output, and of the attention's
            weights.
        name: layers are called after.
    """
    dim = x.shape[-1]

    def dropped(y, label):
        return layers.Dropout(dropout, name=label)(y) if dropout else y

    for number in range(1, depth + 1):
        label = f"{name}_{number}"
        y = layers.LayerNormalization(epsilon=1e-6, name=f"{label}_norm_1")(x)
        attention = layers.MultiHeadAttention(
            heads, key_dim or dim // heads, dropout=dropout, name=f"{label}_attention"
        )
        y = dropped(attention(y, y), f"{label}_dropout_1")
        x = layers.Add(name=f"{label}_add_1")([x, y])
        y = layers.LayerNormalization(epsilon=1e-6, name=f"{label}_norm_2")(x)
        y = layers.Dense(hidden or 4 * dim, activation="gelu", name=f"{label}_mlp_1")(y)
        y = dropped(layers.Dense(dim, name=f"{label}_mlp_2")(y), f"{label}_dropout_2")
        x = layers.Add(name=f"{label}_add_2")([x, y])
    return x


def vit_encoder(x, depth, heads, dropout=0.0):
    """The class token of a Vision Transformer behind its patch embeddings (H, W, dim): (dim,)."""
    x = ClassAndPositionTokens(name="vit_tokens")(x)  # (197, 768)
    x = transformer_blocks(x, depth, heads, dropout=dropout)
    x = layers.LayerNormalization(epsilon=1e-6, name="vit_norm")(x)
    return x[:, 0]
