package simapi

// Payment methods, as the platform spells them.
const (
	creditCard uint8 = iota
	pix
	boleto
	debitCard
	voucher
	bankTransfer
	cash
)

var methodNames = [...]string{"credit_card", "pix", "boleto", "debit_card", "voucher", "bank_transfer", "cash"}

// Days after the payment on which refunds and chargebacks come. Few classes,
// so that the refunds of a day are found by looking at a few earlier days.
var (
	refundDays     = [...]int{1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60, 90}
	chargebackDays = [...]int{20, 35, 50, 75, 100, 150, 200, 300, 365}
)

const (
	lastBoletoDay = 5 // a boleto is paid one to five days after it was issued, or never
	maxParties    = 3 // recipients that share an order
)

type item struct {
	product  int
	quantity int64
}

// order holds the facts of one order that do not depend on the clock.
type order struct {
	day, idx  int
	h         uint64
	created   int64
	customer  int
	method    uint8
	inst      int // instalments
	items     [3]item
	nItems    int
	shipping  int64
	amount    int64
	attempts  int   // charges: a failed one may be followed by another
	retried   int64 // creation time of the second charge
	paid      bool
	settled   int64 // paid, failed or expired
	refunded  int64 // 0 = never
	refund    int64 // amount of the refund
	disputed  int64 // time of the chargeback, 0 = never
	closedAt  int64 // settled, or later
	edited    int64 // another metadata, 0 = never
	silent    bool  // the edit does not show in updated_at
	reopened  int64 // pending again for ten days, 0 = never
	won       int64 // the chargeback is taken back, 0 = never
	appears   int64 // created, or later
	parties   int   // recipients that share it
	recipient [maxParties]int
}

func (w *World) orderHash(day, idx int) uint64 {
	return mix(w.seed ^ mix(uint64(day)<<32|uint64(idx)))
}

func (w *World) orderTime(day, idx, n int) int64 {
	return w.dayStart(day) + slot(idx, n, uint32(mix(w.orderHash(day, idx)^saltSlot)))
}

func (w *World) indexOrders(x *dayIndex, day int) {
	n := w.orders(day)
	x.events = make([]event, n)
	for i := range n {
		x.events[i] = event{t: w.orderTime(day, i, n), day: int32(day), idx: int32(i), n: 1, kind: isOrder}
	}
}

func (w *World) indexCharges(x *dayIndex, day int) {
	n := w.orders(day)
	x.events = make([]event, 0, n+n/8)
	for i := range n {
		o := w.order(day, i)
		e := event{t: o.created, day: int32(day), idx: int32(i), n: 1, kind: isCharge}
		x.events = append(x.events, e)
		if o.attempts == 2 {
			e.t, e.sub = o.retried, 1
			x.events = append(x.events, e)
		}
	}
}

// order computes the facts of order idx of a day.
func (w *World) order(day, idx int) order {
	h := w.orderHash(day, idx)
	d := draw(h)
	o := order{day: day, idx: idx, h: h, created: w.orderTime(day, idx, w.orders(day)), attempts: 1, inst: 1, parties: 1}
	o.customer = d.n(w.customers())
	o.basket(&d)
	switch p := d.n(100); {
	case p < 50:
		o.method = creditCard
		o.inst = instalments(o.amount, &d)
	case p < 79:
		o.method = pix
	case p < 93:
		o.method = boleto
	default:
		o.method = debitCard + uint8(p-93)/2
	}
	o.outcome(&d, w.dayStart(day+1)-1)
	o.afterwards(w, &d)
	w.late(&o)
	w.share(&o, &d)
	return o
}

// basket fills the items and the amounts.
func (o *order) basket(d *draw) {
	o.nItems = 1 + d.n(10)/7 + d.n(10)/8
	for i := range o.nItems {
		it := item{product: d.n(len(products)), quantity: 1 + int64(d.n(8)/7)}
		o.items[i] = it
		o.amount += products[it.product].price * it.quantity
	}
	if d.chance(500) {
		o.shipping = 990 + int64(d.n(30))*100
	}
	o.amount += o.shipping
}

func instalments(amount int64, d *draw) int {
	most := min(int(amount/4000), 12)
	if most < 2 || d.chance(550) {
		return 1
	}
	return 2 + min(d.n(most-1), d.n(most-1))
}

// outcome decides whether and when the order is paid. What happens within
// minutes of the order happens on its day.
func (o *order) outcome(d *draw, dayEnd int64) {
	soon := func(seconds int) int64 { return min(o.created+int64(seconds)*second, dayEnd) }
	switch o.method {
	case boleto:
		if o.paid = d.chance(620); o.paid {
			k := int64(1 + d.n(lastBoletoDay))
			o.settled = (floorDay(o.created)+k)*oneDay + 11*hour + int64(d.n(9*3600))*second
		} else {
			o.settled = (floorDay(o.created)+lastBoletoDay+2)*oneDay + 3*hour
		}
	case pix:
		if o.paid = d.chance(870); o.paid {
			o.settled = soon(20 + d.n(900))
		} else {
			o.settled = soon(3600)
		}
	default:
		o.settled = soon(1 + d.n(3))
		o.paid = d.chance(900)
		if !o.paid && d.chance(700) {
			o.attempts = 2
			o.retried = soon(40 + d.n(560))
			o.settled = min(o.retried+int64(1+d.n(3))*second, dayEnd)
			o.paid = d.chance(750)
		}
	}
}

// refundDay is how many days after its order an order may be refunded, 0 for
// most. It looks at the hash alone, so that searching is cheap.
func refundDay(h uint64) int {
	h = mix(h ^ saltRefund)
	if h%1000 >= 35 {
		return 0
	}
	return refundDays[pick(h, len(refundDays))]
}

// chargebackDay is the same for chargebacks.
func chargebackDay(h uint64) int {
	h = mix(h ^ saltChargeback)
	if h%1000 >= 9 {
		return 0
	}
	return chargebackDays[pick(h, len(chargebackDays))]
}

// afterwards adds the refund or chargeback that comes days or months later.
func (o *order) afterwards(w *World, d *draw) {
	wait, at := int64(d.n(10*3600)), 12*hour
	part := d.chance(350)
	if !o.paid {
		return
	}
	if k := w.refundDay(o.h); k > 0 {
		t := w.dayStart(o.day+k) + at + wait*second
		if t <= o.settled {
			return
		}
		o.refunded, o.refund = t, o.amount
		if part {
			o.refund = o.amount * int64(20+d.n(60)) / 100
		}
		return
	}
	if k := chargebackDay(o.h); k > 0 && o.method == creditCard {
		o.disputed = w.dayStart(o.day+k) + at + wait*second
	}
}

// share decides which recipients get a part of the order.
func (w *World) share(o *order, d *draw) {
	n := w.foundingRecipients()
	if d.chance(240) {
		o.parties = min(2+d.n(4)/3, n, maxParties)
	}
	o.recipient[0] = 0
	first := d.n(max(n-1, 1))
	for i := 1; i < o.parties; i++ {
		o.recipient[i] = 1 + (first+i)%(n-1)
	}
}

// products are what the merchant sells; the texts are JSON already.
var products = [...]struct {
	name, category string
	price          int64
}{
	{"Camiseta b\u00e1sica algod\u00e3o", "vestu\u00e1rio", 4990}, {`Cabo HDMI 2 m \"ultra\"`, "eletr\u00f4nicos", 3490},
	{"Fone de ouvido sem fio", "eletr\u00f4nicos", 18990}, {"T\u00eanis de corrida", "cal\u00e7ados", 32990},
	{`Caf\u00e9 torrado em gr\u00e3os 1 kg`, "mercearia", 6890}, {"Jogo de panelas 5 pe\u00e7as", "casa", 45900},
	{"Livro: Contos do interior", "livros", 5490}, {"Mochila imperme\u00e1vel", "acess\u00f3rios", 15990},
	{"Assinatura revista mensal", "livros", 2990}, {"Cadeira de escrit\u00f3rio", "m\u00f3veis", 89900},
	{"Kit chimarr\u00e3o", "casa", 12900}, {"Smartwatch", "eletr\u00f4nicos", 59900},
	{"Vale-presente", "servi\u00e7os", 10000}, {`Parafusadeira 12\/20 V`, "ferramentas", 27990},
	{"Ra\u00e7\u00e3o premium 10 kg", "pet", 16490}, {"Perfume 100 ml", "beleza", 24990},
}
