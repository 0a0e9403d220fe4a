// Puts the shop's words in the language asked for and adds the widget's tag, as a site's owner would paste it.
(function () {
  var texts = {
    kk: {
      sections: 'Дүкен бөлімдері', goods: 'Кофе', delivery: 'Жеткізу', title: 'Жаңа қуырылған кофе, Алматы бойынша жеткізу',
      lead: 'Тапсырыс күні қуырып, ертесіне жеткіземіз. Не таңдарыңызды білмейсіз бе? Оң жақ төмендегі терезеден сұраңыз.', ask: 'Сұрақ қою',
      goods_title: 'Апта сорттары', good_1: 'Эфиопия. Жасмин, бергамот, жеңіл қышқылдық.', good_2: 'Колумбия. Карамель, қызыл алма, қою дәм.',
      good_3: 'Бразилия. Жаңғақ, қара шоколад, қышқылдығы аз.', delivery_title: 'Қалай жеткіземіз',
      delivery_text: 'Қала ішінде курьермен бір күнде немесе пошта арқылы бүкіл ел бойынша. 18:00-ге дейінгі тапсырысты сол күні кешке қуырамыз.',
      note: 'Бұл ойдан шығарылған дүкен: қолдау виджеті кәдімгі сайтта қалай көрінетінін көрсетеді.', missing: 'Виджетті көру үшін мекенжайға кілтін қосыңыз: ?key=wk_…',
      page: '«Бұлақ» кофеханасы · виджет көрсетілімі',
    },
    en: {
      sections: 'Sections of the shop', goods: 'Coffee', delivery: 'Delivery', title: 'Freshly roasted, delivered in Almaty',
      lead: 'Roasted on the day you order, delivered on the next. Not sure what to choose? Ask us in the window at the bottom right.', ask: 'Ask a question',
      goods_title: 'This week', good_1: 'Ethiopia. Jasmine, bergamot, a light acidity.', good_2: 'Colombia. Caramel, red apple, a full body.',
      good_3: 'Brazil. Nuts, dark chocolate, low acidity.', delivery_title: 'How it reaches you',
      delivery_text: 'By courier in the city within a day, or by post anywhere in the country. What is ordered before 18:00 is roasted the same evening.',
      note: 'This is an invented shop: the page shows how the support widget looks on an ordinary site.', missing: 'To see the widget, add its key to the address: ?key=wk_…',
      page: 'Bulaq coffee · widget demonstration',
    },
  };
  var query = new URLSearchParams(location.search);
  var lang = query.get('lang');
  if (lang !== 'kk' && lang !== 'en') lang = 'ru';
  var words = texts[lang];
  document.documentElement.lang = lang;
  if (words) {
    document.title = words.page;
    document.querySelectorAll('[data-text]').forEach(function (node) { node.textContent = words[node.dataset.text]; });
    document.querySelectorAll('[data-text-label]').forEach(function (node) { node.setAttribute('aria-label', words[node.dataset.textLabel]); });
  }
  document.querySelectorAll('[data-lang]').forEach(function (link) {
    query.set('lang', link.dataset.lang);
    link.search = query.toString();
    if (link.dataset.lang === lang) link.setAttribute('aria-current', 'true');
  });

  // The queue: the button works even when it is pressed before the widget has loaded.
  window.tehprof = window.tehprof || function () { (window.tehprof.q = window.tehprof.q || []).push(arguments); };
  document.querySelector('.ask').addEventListener('click', function () { window.tehprof('open'); });

  var key = query.get('key');
  document.querySelector('.missing').hidden = Boolean(key);
  document.querySelector('.ask').hidden = !key;
  if (!key) return;
  var tag = document.createElement('script');
  tag.src = './loader.js';
  tag.async = true;
  tag.dataset.apiKey = key;
  tag.dataset.lang = lang;
  ['color', 'position'].forEach(function (name) { if (query.get(name)) tag.dataset[name] = query.get(name); });
  document.head.append(tag);
})();
