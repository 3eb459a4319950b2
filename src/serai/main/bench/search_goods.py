"""Goods to search among: titles in English and Chinese from word lists, the same ones for the same number, each word about
as frequent as words are (the n-th one 1/n as often as the first)."""

from collections.abc import Iterator
from itertools import accumulate
from random import Random
from uuid import UUID

from serai.commerce.catalogue.api import Category, Content, NewProduct
from serai.foundation.ids import MerchantId, derive_id

SEED = 20_261_124
CURRENCY = "USD"
CATEGORIES = 300
BRANDS = 4_000
LINES = 20_000

KINDS = (
    "milk 牛奶|bread 面包|tea 茶|coffee 咖啡|chocolate 巧克力|cheese 奶酪|rice 大米|noodles 面条|"
    "juice 果汁|water 矿泉水|shampoo 洗发水|soap 香皂|towel 毛巾|candle 蜡烛|cookies 饼干|"
    "cereal 麦片|yogurt 酸奶|butter 黄油|honey 蜂蜜|jam 果酱|apples 苹果|oranges 橙子|celery 毛芹|"
    "spinach 菠菜|tomatoes 番茄|onions 洋葱|garlic 大蒜|pepper 胡椒|salt 食盐|sugar 白糖|"
    "flour 面粉|oil 食用油|vinegar 米醋|soy sauce 酱油|tofu 豆腐|dumplings 水饺|chicken 鸡肉|"
    "beef 牛肉|pork 猪肉|salmon 三文鱼|shrimp 虾仁|crackers 苏打饼|chips 薯片|popcorn 爆米花|"
    "peanuts 花生|almonds 杏仁|cashews 腰果|walnuts 核桃|raisins 葡萄干|detergent 洗衣液|"
    "bleach 漂白水|sponge 海绵|napkins 餐巾纸|tissues 抽纸|diapers 纸尿裤|lotion 润肤乳|"
    "lipstick 口红|makeup bag 化妆包|hairbrush 梳子|razor 剃须刀|toothpaste 牙膏|"
    "toothbrush 牙刷|mouthwash 漱口水|vitamins 维生素|bandages 创可贴|batteries 电池|"
    "light bulb 灯泡|umbrella 雨伞|backpack 背包|wallet 钱包|socks 袜子|gloves 手套|scarf 围巾|"
    "slippers 拖鞋|notebook 笔记本|pencil 铅笔|stapler 订书机|lamp 台灯|mug 马克杯|kettle 水壶|"
    "frying pan 平底锅|knife 刀具|spoon 勺子|plate 盘子|blanket 毛毯|pillow 枕头|curtain 窗帘|"
    "vase 花瓶|basket 篮子|dog food 狗粮|cat litter 猫砂|seeds 种子|flower pot 花盆|"
    "headphones 耳机|charger 充电器|keyboard 键盘|mouse pad 鼠标垫|phone case 手机壳|watch 手表|"
    "football 足球|yoga mat 瑜伽垫"
)
TRAITS = (
    "organic 有机|fresh 新鲜|classic 经典|premium 优质|natural 天然|dark 黑|white 白|red 红色|"
    "green 绿色|blue 蓝色|large 大号|small 小号|family 家庭装|travel 旅行装|light 轻|sweet 甜味|"
    "spicy 香辣|salted 咸味|smoked 烟熏|roasted 烘焙|frozen 冷冻|dried 干|instant 速溶|whole 全脂|"
    "skimmed 脱脂|soft 柔软|strong 强力|waterproof 防水|portable 便携|foldable 折叠|"
    "wireless 无线|handmade 手工|imported 进口|local 本地|seasonal 时令|vegan 纯素|"
    "unsweetened 无糖|extra 加量|mini 迷你|crushed 粉碎"
)
SIZES = ("12 oz", "22 lb", "500 g", "1 kg", "250 ml", "1 l", "6 ct", "24 pk", "64 oz", "1/2 gal")
CONSONANTS, VOWELS = "bcdfghklmnprstvz", "aeiou"

KIND_PAIRS = [tuple(pair.rsplit(" ", 1)) for pair in KINDS.split("|")]
TRAIT_PAIRS = [tuple(pair.rsplit(" ", 1)) for pair in TRAITS.split("|")]


def list_categories(merchant_id: MerchantId) -> list[Category]:
    """Flat categories, named after kinds of goods."""
    found = []
    for number in range(CATEGORIES):
        english, chinese = KIND_PAIRS[number % len(KIND_PAIRS)]
        shelf = number // len(KIND_PAIRS) + 1
        found.append(
            Category(
                derive_id(merchant_id, "category", number),
                None,
                f"shelf-{number}",
                f"{english.capitalize()} {shelf}",
                {"zh_Hans": f"{chinese} {shelf}"},
                "jar",
                number,
                True,
            )
        )
    return found


def make_name(number: int) -> str:
    """A pronounceable name that no language has, for brands and product lines."""
    chance = Random(number)
    return "".join(
        chance.choice(CONSONANTS) + chance.choice(VOWELS) for _syllable in range(chance.randint(2, 4))
    ).capitalize()


def make_goods(merchant_id: MerchantId, count: int) -> Iterator[NewProduct]:
    """Products one after the other; the same count gives the same goods."""
    chance = Random(SEED)
    shelves = [category.category_id for category in list_categories(merchant_id)]
    kinds, traits = _weights(len(KIND_PAIRS)), _weights(len(TRAIT_PAIRS))
    brands, lines = _weights(BRANDS), _weights(LINES)
    names = [make_name(number) for number in range(max(BRANDS, LINES))]
    for number in range(count):
        kind = chance.choices(range(len(KIND_PAIRS)), cum_weights=kinds)[0]
        first, second = chance.choices(TRAIT_PAIRS, cum_weights=traits, k=2)
        brand = names[chance.choices(range(BRANDS), cum_weights=brands)[0]]
        line = names[chance.choices(range(LINES), cum_weights=lines)[0]]
        size = SIZES[chance.randrange(len(SIZES))]
        shelf = shelves[(kind + len(KIND_PAIRS) * chance.randrange(3)) % len(shelves)]
        yield _product(merchant_id, number, kind, (first, second), brand, line, size, shelf, chance)


def _product(
    merchant_id: MerchantId,
    number: int,
    kind: int,
    traits: tuple[tuple[str, ...], tuple[str, ...]],
    brand: str,
    line: str,
    size: str,
    shelf: UUID,
    chance: Random,
) -> NewProduct:
    english, chinese = KIND_PAIRS[kind]
    (first_en, first_zh), (second_en, second_zh) = traits
    return NewProduct(
        product_id=derive_id("product", merchant_id, number),
        sku_id=derive_id("sku", merchant_id, number),
        slug=f"good-{number}",
        title=f"{first_en.capitalize()} {second_en} {english} {line}, {size}",
        translations={"zh_Hans": f"{first_zh}{second_zh}{chinese} {line} {size}"},
        sku=f"G{number:08}",
        category_id=shelf,
        price_minor=int(chance.paretovariate(1.2) * 199),
        currency=CURRENCY,
        brand=brand,
        content=Content(size),
        rank=int(chance.paretovariate(0.8)) if chance.random() < 0.6 else 0,
    )


def _weights(count: int) -> list[float]:
    return list(accumulate(1 / (place + 3) for place in range(count)))
